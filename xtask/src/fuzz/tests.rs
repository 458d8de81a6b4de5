//! What is read out of libFuzzer's words. No IO.

use super::driver::{edges, statistic};

const SAID: &str = "\
#2\tINITED cov: 12 ft: 13 corp: 1/1b exec/s: 0 rss: 40Mb
#98\tNEW    cov: 31 ft: 44 corp: 2/9b lim: 4 exec/s: 0 rss: 40Mb
#5379\tDONE   cov: 31 ft: 44 corp: 2/9b lim: 4 exec/s: 0 rss: 40Mb
stat::number_of_executed_units: 5379
stat::new_units_added:          1
";

#[test]
fn figures_are_those_of_the_end() {
    assert_eq!(statistic(SAID, "stat::number_of_executed_units:"), 5379);
    assert_eq!(edges(SAID), 31);
    assert_eq!((statistic("", "stat::x:"), edges("")), (0, 0));
}
