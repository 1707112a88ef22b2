import pytest

from lake.errors import BadSymbol
from lake.market.symbols import file_name, parse_symbol, parse_symbols, symbol_of_file_name


@pytest.mark.parametrize("symbol", ["AAPL", "BRK.B", "^GSPC", "BTC-USD", "EURUSD=X", "7203.T"])
def test_symbols_of_the_field_round_trip_through_file_names(symbol: str) -> None:
    assert symbol_of_file_name(file_name(parse_symbol(symbol))) == symbol


@pytest.mark.parametrize(
    "text", ["", "../x", "..", "A/B", "a", "AAPL ", "A\0", "%2e%2e", "A..B", "А", "A" * 21, "-A", "=A"]
)
def test_anything_else_is_refused_in_one_sentence(text: str) -> None:
    with pytest.raises(BadSymbol, match="expected a symbol") as refusal:
        parse_symbol(text)
    assert "\n" not in str(refusal.value)


def test_a_list_keeps_its_order_and_drops_repeats() -> None:
    assert parse_symbols("MSFT, AAPL,MSFT,") == ("MSFT", "AAPL")
