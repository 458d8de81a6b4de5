//! Locks between processes: files under the cache's `locks/`, freed by the kernel when their holder dies. Lock files are never removed, because removing one that somebody waits for would let two in.

use std::fs::{File, TryLockError};
use std::path::PathBuf;

use anyhow::{Context as _, Result};

use crate::config::Config;

/// A held lock; dropping it frees it.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    /// Waits for the lock `name`.
    pub(crate) fn wait(config: &Config, name: &str) -> Result<Self> {
        let (path, file) = open(config, name)?;
        file.lock().with_context(|| format!("lock {}", path.display()))?;
        Ok(Self { _file: file })
    }

    /// Takes the lock `name` unless somebody holds it.
    pub(crate) fn try_take(config: &Config, name: &str) -> Result<Option<Self>> {
        let (path, file) = open(config, name)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error).with_context(|| format!("lock {}", path.display())),
        }
    }
}

fn open(config: &Config, name: &str) -> Result<(PathBuf, File)> {
    let dir = config.locks();
    std::fs::create_dir_all(&dir).with_context(|| format!("create {}", dir.display()))?;
    let path = dir.join(name);
    let file = File::options().create(true).truncate(false).read(true).write(true).open(&path);
    let file = file.with_context(|| format!("open the lock {}", path.display()))?;
    Ok((path, file))
}
