//! Image archives and programs that nobody needs any more: removes them, so that the cache does not grow with every build. Touches only files named `<image>-<12 hexadecimal digits>`, with or without `.tar`, all of which can be made again.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Files of one image that stay, the newest ones.
const KEPT: usize = 3;
/// A younger one may be about to be imported by whoever made it.
const YOUNG: Duration = Duration::from_secs(60 * 60);

/// Removes old files. One that cannot be removed costs room and nothing else.
pub(super) fn old(dir: &Path) {
    for path in surplus_of(dir) {
        let _it_costs_room_only = std::fs::remove_file(path);
    }
}

fn surplus_of(dir: &Path) -> Vec<PathBuf> {
    let mut images: BTreeMap<String, Vec<(Duration, PathBuf)>> = BTreeMap::new();
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let Some(image) = entry.file_name().to_str().and_then(image_of).map(str::to_owned) else {
            continue;
        };
        if let Some(age) = entry.metadata().ok().and_then(|m| m.modified().ok()).map(age) {
            images.entry(image).or_default().push((age, entry.path()));
        }
    }
    images.into_values().flat_map(surplus).collect()
}

/// Of a time in the future: none, as of a file just written.
fn age(written: SystemTime) -> Duration {
    written.elapsed().unwrap_or_default()
}

fn surplus(mut archives: Vec<(Duration, PathBuf)>) -> Vec<PathBuf> {
    archives.sort();
    archives.into_iter().skip(KEPT).filter(|(age, _)| *age > YOUNG).map(|(_, path)| path).collect()
}

/// `workload-1.0.0` of `workload-1.0.0-29f85db43a07.tar`.
fn image_of(name: &str) -> Option<&str> {
    let (image, stamp) = name.strip_suffix(".tar").unwrap_or(name).rsplit_once('-')?;
    let is_stamp = stamp.len() == 12 && stamp.bytes().all(|b| b.is_ascii_hexdigit());
    is_stamp.then_some(image)
}

#[cfg(test)]
mod tests {
    use std::fs::{File, FileTimes};

    use super::*;

    fn write(dir: &Path, name: &str, hours: u64) {
        let file = File::create(dir.join(name)).unwrap();
        let written =
            SystemTime::UNIX_EPOCH + SystemTime::UNIX_EPOCH.elapsed().unwrap() - Duration::from_secs(3600 * hours);
        file.set_times(FileTimes::new().set_modified(written)).unwrap();
    }

    #[test]
    fn the_newest_of_each_image_and_the_young_stay() {
        let dir = tempfile::tempdir().unwrap();
        for n in 0..6 {
            write(dir.path(), &format!("pause-00000000000{n}.tar"), 2 + n);
            write(dir.path(), &format!("operator-00000000000{n}"), 2 + n);
            write(dir.path(), &format!("young-00000000000{n}.tar"), 0);
        }
        for other in ["operator.tar", "notes-000000000000.txt", "mine-today.tar", "workload-1.0.0-00000000000a.tar"] {
            write(dir.path(), other, 1000);
        }
        old(dir.path());
        let mut left: Vec<_> =
            std::fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        left.retain(|name| !name.starts_with("young"));
        left.sort();
        assert_eq!(
            left,
            [
                "mine-today.tar",
                "notes-000000000000.txt",
                "operator-000000000000",
                "operator-000000000001",
                "operator-000000000002",
                "operator.tar",
                "pause-000000000000.tar",
                "pause-000000000001.tar",
                "pause-000000000002.tar",
                "workload-1.0.0-00000000000a.tar",
            ]
        );
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), left.len() + 6);
    }
}
