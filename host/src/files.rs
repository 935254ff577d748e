//! Writes files so that a reader never sees half of one.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use anyhow::{Context, Result, anyhow, ensure};
use serde::Serialize;

use crate::interrupt::whole;

/// Writes `bytes` to `path`, or leaves what was there untouched.
///
/// The bytes go to a temporary file in the same folder; a rename then puts this file at `path`. Both are on the disk
/// when the function returns: a power cut after it loses nothing. After any error, a full disk or a missing permission
/// included, the temporary file is removed; the first Ctrl-C waits until the file is whole. The folder must exist.
///
/// # Errors
///
/// The error names `path` and gives the operating system's reason.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<()> {
    write_atomic_by(path, |file| Ok(file.write_all(bytes)?))
}

/// The same for a file that `content` writes piece by piece.
///
/// # Errors
///
/// Those of `content` too.
pub fn write_atomic_by(path: &Path, content: impl FnOnce(&mut File) -> Result<()>) -> Result<()> {
    let write = || -> Result<()> {
        let folder = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        ensure!(folder.is_dir(), "there is no folder {}", folder.display());
        let mut builder = tempfile::Builder::new();
        // Temporary files are private by default; this one must have the permissions of an ordinary new file.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let mut file = builder.tempfile_in(folder).map_err(without_name)?;
        content(file.as_file_mut())?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        sync_folder(folder)
    };
    whole(write).with_context(|| format!("cannot write {}", path.display()))
}

/// The operating system's reason alone: where the temporary file is says nothing to the user.
fn without_name(error: io::Error) -> anyhow::Error {
    let text = error.to_string();
    anyhow!(text.split(" at path ").next().unwrap_or_default().to_owned())
}

/// Writes `value` to `path` as indented JSON, as [`write_atomic`] does.
///
/// # Errors
///
/// As [`write_atomic`].
pub fn write_json(path: &Path, value: &impl Serialize) -> Result<()> {
    let mut bytes = serde_json::to_vec_pretty(value).with_context(|| format!("cannot write {}", path.display()))?;
    bytes.push(b'\n');
    write_atomic(path, &bytes)
}

/// Puts the names in a folder on the disk. Where a file system has no such operation, nothing is done.
fn sync_folder(folder: &Path) -> Result<()> {
    #[cfg(unix)]
    match std::fs::File::open(folder)?.sync_all() {
        Err(error) if !matches!(error.kind(), std::io::ErrorKind::InvalidInput | std::io::ErrorKind::Unsupported) => {
            return Err(error.into());
        }
        _ => {}
    }
    #[cfg(not(unix))]
    let _ = folder;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_written_file_replaces_the_old_one_and_leaves_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.txt");
        write_atomic(&path, b"old").unwrap();
        write_atomic(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        write_json(&path, &[1]).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "[\n  1\n]\n");
    }

    #[test]
    fn a_failed_write_names_the_file_and_leaves_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        // A folder of the target's name makes the last step, the rename, fail.
        let path = dir.path().join("taken");
        fs::create_dir(&path).unwrap();
        fs::write(path.join("inside"), b"x").unwrap();
        let error = format!("{:#}", write_atomic(&path, b"new").unwrap_err());
        assert!(error.contains("taken"), "{error}");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);

        let error = format!("{:#}", write_atomic(&dir.path().join("no/such/a.txt"), b"new").unwrap_err());
        let [folder, file] = ["no/such", "no/such/a.txt"].map(|name| dir.path().join(name).display().to_string());
        assert_eq!(error, format!("cannot write {file}: there is no folder {folder}"));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn no_error_shows_the_temporary_name() {
        let error = format!("{:#}", write_atomic(Path::new("/proc/a.txt"), b"new").unwrap_err());
        assert!(error.starts_with("cannot write /proc/a.txt: ") && !error.contains(".tmp"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn a_written_file_has_the_permissions_of_an_ordinary_new_file() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        write_atomic(&dir.path().join("ours"), b"").unwrap();
        fs::write(dir.path().join("plain"), b"").unwrap();
        let mode = |name| fs::metadata(dir.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode("ours"), mode("plain"));
    }
}
