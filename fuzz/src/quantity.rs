//! Quantities as people write them.
//!
//! Owns the arithmetic that must hold of each that parses. No IO.

use bailiwick_core::quantity::Quantity;

/// One quantity, or two parted by a blank.
pub(crate) fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (first, second) = text.split_once(' ').unwrap_or((text, "1"));
    let Ok(one) = Quantity::parse(first) else { return };
    let printed = one.to_string();
    let again = Quantity::parse(&printed);
    assert_eq!(again, Ok(one), "{first:?} is printed as {printed:?}");
    assert!(one.millis() >= one.units().saturating_sub(1).saturating_mul(1000), "{first:?}");
    if let Some(twice) = one.double() {
        assert_eq!(one.checked_add(one), Some(twice), "{first:?}");
        assert_eq!(twice.checked_sub(one), Some(one), "{first:?}");
    }
    let Ok(other) = Quantity::parse(second) else { return };
    assert_eq!(one.cmp(&other), other.cmp(&one).reverse());
    assert_eq!(one == other, one.cmp(&other).is_eq());
    if let Some(sum) = one.checked_add(other) {
        assert_eq!(other.checked_add(one), Some(sum), "{first:?} and {second:?}");
    }
}
