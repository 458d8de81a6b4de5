//! The name that somebody may have meant.
//!
//! Owns that guess, for people's eyes and for the bounds of what a typing error broke. Must never
//! guess where two names are as near. No IO.

/// The one name that differs least, by a letter or two; none where several do.
pub(crate) fn near<'n>(wanted: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let most = if wanted.len() < 5 { 1 } else { 2 };
    let others = names.filter(|name| *name != wanted).map(|name| (distance(wanted, name), name));
    let mut like: Vec<(usize, &str)> = others.filter(|(slips, _)| *slips <= most).collect();
    like.sort_unstable();
    let (least, first) = like.first()?;
    like.get(1).is_none_or(|(second, _)| second > least).then_some(*first)
}

/// How many letters must be put in, taken out or replaced.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut last = i;
        let mut next = vec![i + 1];
        for (above, to) in row.iter().skip(1).zip(&b) {
            let left = next.last().copied().unwrap_or(0);
            next.push((last + usize::from(from != *to)).min(left + 1).min(above + 1));
            last = *above;
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_slip_is_guessed_and_doubt_is_not() {
        let names = ["orders", "users", "nginx", "web"];
        for (wanted, meant) in [
            ("ordrs", Some("orders")),
            ("oders", Some("orders")),
            ("user", Some("users")),
            ("ngnix", Some("nginx")),
            ("wed", Some("web")),
            ("bed", None),
            ("nginx", None),
            ("payments", None),
        ] {
            assert_eq!(near(wanted, names.into_iter()), meant, "{wanted}");
        }
        assert_eq!(near("data-x", ["data-a", "data-b"].into_iter()), None);
    }
}
