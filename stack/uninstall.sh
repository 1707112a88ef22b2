#!/bin/sh
# Remove everything this checkout made on the machine. Asks first, unless the first argument is 1.
set -eu
cd "$(dirname "$0")/.."
if [ "${1:-}" != "1" ]; then
    echo "This stops the stack and removes .venv*, .tools, .env and var/ with everything stored in it."
    printf 'Type yes to go on: '
    read -r answer || answer=""
    [ "$answer" = "yes" ] || { echo "Nothing was removed."; exit 1; }
fi
python=.venv/bin/python
[ ! -x $python ] || $python -m stack down
rm -rf .venv .venv-stream .venv-superset .tools .env var build ./*.egg-info
rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis
find . -name .git -prune -o -type d -name __pycache__ -exec rm -rf {} +
echo "Removed. What LAKE_ROOT kept elsewhere, and uv's own cache, stay where they are."
