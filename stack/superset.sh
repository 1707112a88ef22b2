#!/bin/sh
# Prepare Superset (database, login, dashboards), then become its server. Run by the process manager.
set -eu
# Nobody waits for this as long as the pipeline runs.
nice -n 10 "$STACK_SUPERSET_BIN/python" "$LAKE_HOME/superset/prepare.py"
exec "$STACK_SUPERSET_BIN/gunicorn" --workers 1 --worker-class gthread --threads 4 --timeout 120 \
    --no-control-socket --bind "127.0.0.1:$SUPERSET_PORT" "superset.app:create_app()"
