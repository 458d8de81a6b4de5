//! Kubernetes quantities (`250m`, `64Mi`, `1e3`): parsed, compared and printed exactly.
//!
//! Owns the arithmetic on requests, limits and quotas. Must never round a comparison: a value
//! is held as whole billionths, the API's own finest step. No IO.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

const NANO: i128 = 1_000_000_000;
/// The longest text that is looked at; the API server's own quantities are far shorter.
const MAX_TEXT: usize = 128;

/// Which family of suffixes a quantity was written in, and is printed in again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Powers of ten with a letter: `n u m k M G T P E`.
    Decimal,
    /// Powers of 1024: `Ki Mi Gi Ti Pi Ei`.
    Binary,
    /// Powers of ten as an exponent: `e3`.
    Exponent,
}

/// An exact quantity. Equality and order look at the value alone: `1` = `1000m`, `1Ki` = `1024`.
#[derive(Debug, Clone, Copy)]
pub struct Quantity {
    nano: i128,
    format: Format,
}

/// Why a text is not a quantity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum QuantityError {
    /// Nothing there, or longer than any quantity.
    #[error("a quantity has 1 to {MAX_TEXT} characters")]
    Length,
    /// The digits are not digits.
    #[error("a quantity starts with a decimal number")]
    Number,
    /// The suffix is none of the API's.
    #[error("a quantity ends in n, u, m, k, M, G, T, P, E, Ki, Mi, Gi, Ti, Pi, Ei or an exponent")]
    Suffix,
    /// Beyond what any resource can be.
    #[error("the quantity is too large")]
    Range,
}

impl Quantity {
    /// Parses the text of a quantity. What is finer than a billionth is rounded away from zero,
    /// as the API server does.
    ///
    /// # Errors
    /// Names the part that is wrong.
    pub fn parse(text: &str) -> Result<Self, QuantityError> {
        if text.is_empty() || text.len() > MAX_TEXT {
            return Err(QuantityError::Length);
        }
        let (negative, rest) = match text.as_bytes().first() {
            Some(b'-') => (true, text.get(1..).unwrap_or_default()),
            Some(b'+') => (false, text.get(1..).unwrap_or_default()),
            Some(_) | None => (false, text),
        };
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, suffix) = rest.split_at(end);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
            return Err(QuantityError::Number);
        }
        let (format, scale) = parse_suffix(suffix)?;
        let nano = scale_digits(whole, fraction, scale)?;
        Ok(Self { nano: if negative { -nano } else { nano }, format })
    }

    /// A whole number in the given family.
    pub const fn whole(value: i64, format: Format) -> Self {
        Self { nano: value as i128 * NANO, format }
    }

    /// Twice the value, in the same family; `None` where that is out of range.
    pub fn double(self) -> Option<Self> {
        self.nano.checked_mul(2).map(|nano| Self { nano, ..self })
    }

    /// The sum, in this quantity's family; `None` where that is out of range.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.nano.checked_add(other.nano).map(|nano| Self { nano, ..self })
    }

    /// The difference, in this quantity's family; `None` where that is out of range.
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.nano.checked_sub(other.nano).map(|nano| Self { nano, ..self })
    }

    /// The value in thousandths (millicores), rounded up.
    pub fn millis(self) -> i128 {
        ceil_div(self.nano, NANO / 1000)
    }

    /// The value in whole units (bytes, cores), rounded up.
    pub fn units(self) -> i128 {
        ceil_div(self.nano, NANO)
    }

    /// True for a value of nothing.
    pub const fn is_zero(self) -> bool {
        self.nano == 0
    }

    /// The family of suffixes it is printed in.
    pub const fn format(self) -> Format {
        self.format
    }
}

fn ceil_div(value: i128, by: i128) -> i128 {
    let quotient = value.div_euclid(by);
    if value.rem_euclid(by) == 0 { quotient } else { quotient + 1 }
}

/// What one unit of a suffix is worth.
#[derive(Clone, Copy)]
enum Scale {
    Ten(i32),
    Two(u32),
}

fn parse_suffix(suffix: &str) -> Result<(Format, Scale), QuantityError> {
    let decimal = |power| Ok((Format::Decimal, Scale::Ten(power)));
    let binary = |shift| Ok((Format::Binary, Scale::Two(shift)));
    match suffix {
        "n" => decimal(-9),
        "u" => decimal(-6),
        "m" => decimal(-3),
        "" => decimal(0),
        "k" => decimal(3),
        "M" => decimal(6),
        "G" => decimal(9),
        "T" => decimal(12),
        "P" => decimal(15),
        "E" => decimal(18),
        "Ki" => binary(10),
        "Mi" => binary(20),
        "Gi" => binary(30),
        "Ti" => binary(40),
        "Pi" => binary(50),
        "Ei" => binary(60),
        other => {
            let digits = other.strip_prefix(['e', 'E']).ok_or(QuantityError::Suffix)?;
            let power: i32 = digits.parse().map_err(|_| QuantityError::Suffix)?;
            Ok((Format::Exponent, Scale::Ten(power)))
        }
    }
}

/// Reads the digits one by one, so that no length of fraction loses a comparison.
fn scale_digits(whole: &str, fraction: &str, scale: Scale) -> Result<i128, QuantityError> {
    let mut mantissa: i128 = 0;
    let mut places: i32 = 0;
    let mut inexact = false;
    for (i, digit) in whole.bytes().chain(fraction.bytes()).enumerate() {
        let fractional = i >= whole.len();
        // Twenty decimals are far below a billionth of the smallest suffix that can hold them.
        if fractional && places >= 20 {
            inexact |= digit != b'0';
            continue;
        }
        mantissa = mantissa
            .checked_mul(10)
            .and_then(|m| m.checked_add(i128::from(digit - b'0')))
            .ok_or(QuantityError::Range)?;
        places += i32::from(fractional);
    }
    let (factor, power) = match scale {
        Scale::Ten(power) => (1, power),
        Scale::Two(shift) => (1_i128 << shift, 0),
    };
    let value = mantissa.checked_mul(factor).ok_or(QuantityError::Range)?;
    let exponent = power.checked_add(9).and_then(|p| p.checked_sub(places)).ok_or(QuantityError::Range)?;
    let nano = shift_ten(value, exponent)?;
    Ok(if inexact && shift_ten(nano, -exponent)? == value { nano + 1 } else { nano })
}

fn shift_ten(value: i128, exponent: i32) -> Result<i128, QuantityError> {
    let power = 10_i128.checked_pow(exponent.unsigned_abs());
    match (power, exponent >= 0) {
        (Some(power), true) => value.checked_mul(power).ok_or(QuantityError::Range),
        (Some(power), false) => Ok(ceil_div(value, power)),
        (None, true) if value == 0 => Ok(0),
        (None, true) => Err(QuantityError::Range),
        // Smaller than any billionth, yet not nothing.
        (None, false) => Ok(i128::from(value > 0)),
    }
}

impl fmt::Display for Quantity {
    /// The API server's canonical form: no fraction, the largest suffix that needs none.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_whole = self.nano % NANO == 0 && self.nano.abs() >= 1024 * NANO;
        match self.format {
            Format::Binary if is_whole => write_binary(self.units(), f),
            Format::Binary | Format::Decimal => write_decimal(self.nano, f),
            Format::Exponent => write_exponent(self.nano, f),
        }
    }
}

fn write_binary(value: i128, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut value = value;
    let mut steps = 0;
    while steps < 6 && value % 1024 == 0 && value != 0 {
        value /= 1024;
        steps += 1;
    }
    let suffix = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"].get(steps).copied().unwrap_or("");
    write!(f, "{value}{suffix}")
}

fn reduce_thousands(nano: i128, most: usize) -> (i128, usize) {
    let mut value = nano;
    let mut steps = 0;
    while steps < most && value % 1000 == 0 && value != 0 {
        value /= 1000;
        steps += 1;
    }
    (value, steps)
}

fn write_decimal(nano: i128, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if nano == 0 {
        return f.write_str("0");
    }
    let (value, steps) = reduce_thousands(nano, 9);
    let suffix = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"].get(steps).copied().unwrap_or("");
    write!(f, "{value}{suffix}")
}

fn write_exponent(nano: i128, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if nano == 0 {
        return f.write_str("0");
    }
    let (value, steps) = reduce_thousands(nano, 12);
    match i32::try_from(steps).unwrap_or(3) * 3 - 9 {
        0 => write!(f, "{value}"),
        power => write!(f, "{value}e{power}"),
    }
}

impl FromStr for Quantity {
    type Err = QuantityError;
    fn from_str(text: &str) -> Result<Self, QuantityError> {
        Self::parse(text)
    }
}

impl PartialEq for Quantity {
    fn eq(&self, other: &Self) -> bool {
        self.nano == other.nano
    }
}

impl Eq for Quantity {}

impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Quantity {
    fn cmp(&self, other: &Self) -> Ordering {
        self.nano.cmp(&other.nano)
    }
}

impl Hash for Quantity {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.nano.hash(state);
    }
}

#[cfg(test)]
mod tests;
