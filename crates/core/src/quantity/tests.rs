//! Tests of quantities.

use super::{Quantity, QuantityError};

fn q(text: &str) -> Quantity {
    Quantity::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"))
}

#[test]
fn a_quantity_is_printed_as_the_api_server_prints_it() {
    for (given, canonical) in [
        ("0", "0"),
        ("100m", "100m"),
        ("0.1", "100m"),
        ("1000m", "1"),
        ("1500m", "1500m"),
        ("1.5", "1500m"),
        ("1024", "1024"),
        ("1Ki", "1Ki"),
        ("1024Ki", "1Mi"),
        ("1.5Gi", "1536Mi"),
        // What is no whole number of units is not rounded to one.
        ("1.0001Ki", "1024102400u"),
        ("0.5Ki", "512"),
        ("64Mi", "64Mi"),
        ("1e3", "1e3"),
        ("1E3", "1e3"),
        ("12e6", "12e6"),
        ("1E", "1E"),
        ("1000k", "1M"),
        ("1n", "1n"),
        ("-1Gi", "-1Gi"),
        ("+5", "5"),
        (".5", "500m"),
        ("5.", "5"),
        ("1e-3", "1e-3"),
    ] {
        assert_eq!(q(given).to_string(), canonical, "{given}");
        assert_eq!(q(canonical), q(given), "{given} reads back");
    }
}

#[test]
fn order_is_by_value_across_families() {
    assert_eq!(q("1Ki"), q("1024"));
    assert_eq!(q("1"), q("1000m"));
    assert!(q("1G") < q("1Gi"));
    assert!(q("999m") < q("1"));
    assert!(q("-1") < q("0"));
    assert!(q("9223372036854775807") < q("9223372036854775808"));
    assert!(q("0.0000000001") > q("0"), "finer than a billionth is rounded away from zero");
    assert!(q("1.00000000000000000000000000000001") > q("1"));
}

#[test]
fn what_is_not_a_quantity_is_refused_with_the_reason() {
    for (given, error) in [
        ("", QuantityError::Length),
        ("Mi", QuantityError::Number),
        (".", QuantityError::Number),
        ("1.2.3", QuantityError::Number),
        ("--1", QuantityError::Number),
        ("1 Mi", QuantityError::Suffix),
        ("1mi", QuantityError::Suffix),
        ("1K", QuantityError::Suffix),
        ("1MB", QuantityError::Suffix),
        ("1e", QuantityError::Suffix),
        ("1e99", QuantityError::Range),
        ("\u{661}", QuantityError::Number),
    ] {
        assert_eq!(Quantity::parse(given), Err(error), "{given:?}");
    }
    assert_eq!(Quantity::parse(&"9".repeat(60)), Err(QuantityError::Range));
    assert_eq!(Quantity::parse(&"9".repeat(200)), Err(QuantityError::Length));
}

#[test]
fn doubling_keeps_the_family() {
    for (given, doubled) in [("64Mi", "128Mi"), ("250m", "500m"), ("100M", "200M"), ("1e3", "2e3"), ("600Ki", "1200Ki")]
    {
        assert_eq!(q(given).double().map(|d| d.to_string()).as_deref(), Some(doubled));
    }
    assert_eq!(q("1.5").millis(), 1500);
    assert_eq!(q("1n").millis(), 1, "rounded up");
    assert_eq!(q("1Ki").units(), 1024);
}
