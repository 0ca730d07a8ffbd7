//! Opens archives as users packed them: exec bits and symlinks kept, nothing outside the target.

use flate2::read::MultiGzDecoder;
use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

/// Unpacks `archive` (.zip, .jar, .tar.gz, .tgz, .tar) into the folder `name` of `work`; number of entries. A file of
/// another kind is copied there under its own name, as Spark does. `name` may lead through another archive, but not
/// through a symlink out of `work`.
pub fn unpack(archive: &Path, work: &Path, name: &str) -> io::Result<usize> {
    fs::create_dir_all(work)?;
    let work = work.canonicalize()?;
    make_folder(&work.join(name), &work).map_err(|error| match error.kind() {
        io::ErrorKind::InvalidData => {
            io::Error::new(error.kind(), format!("{name} leads out of the job's folder"))
        }
        _ => error,
    })?;
    let target = work.join(name).canonicalize()?;
    let name = archive.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_ascii_lowercase();
    let file = BufReader::with_capacity(1 << 20, File::open(archive)?);
    if name.ends_with(".zip") || name.ends_with(".jar") {
        unzip(file, &target)
    } else if name.ends_with(".tar.gz") || name.ends_with(".tgz") {
        untar(MultiGzDecoder::new(file), &target)
    } else if name.ends_with(".tar") {
        untar(file, &target)
    } else {
        fs::copy(archive, target.join(archive.file_name().unwrap_or_default())).map(|_| 1)
    }
}

fn untar(stream: impl Read, target: &Path) -> io::Result<usize> {
    let mut archive = tar::Archive::new(stream);
    archive.set_preserve_permissions(true);
    archive.set_preserve_mtime(true);
    archive.set_overwrite(true);
    let mut count = 0;
    for entry in archive.entries()? {
        let mut entry = entry?;
        let path = entry.path()?.into_owned();
        if !entry.unpack_in(target)? {
            return Err(leads_out(&path));
        }
        count += 1;
    }
    Ok(count)
}

fn unzip(file: impl Read + io::Seek, target: &Path) -> io::Result<usize> {
    let mut archive = zip::ZipArchive::new(file)?;
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index)?;
        let named = PathBuf::from(entry.name());
        let path = target.join(entry.enclosed_name().ok_or_else(|| leads_out(&named))?);
        if entry.is_dir() {
            make_folder(&path, target)?;
            continue;
        }
        make_folder(path.parent().unwrap_or(target), target)?;
        if path.is_symlink() {
            fs::remove_file(&path)?;
        }
        if entry.is_symlink() {
            let mut link = String::new();
            entry.read_to_string(&mut link)?;
            symlink(link, &path)?;
            continue;
        }
        io::copy(&mut entry, &mut File::create(&path)?)?;
        if let Some(mode) = entry.unix_mode() {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode & 0o777 | 0o600))?;
        }
    }
    Ok(archive.len())
}

/// Makes a folder of the archive and sees that no symlink of the archive leads it out of the target.
fn make_folder(folder: &Path, target: &Path) -> io::Result<()> {
    let mut existing = folder;
    while !existing.exists() {
        existing = existing.parent().ok_or_else(|| leads_out(folder))?;
    }
    if !existing.canonicalize()?.starts_with(target) {
        return Err(leads_out(folder));
    }
    fs::create_dir_all(folder)
}

fn leads_out(path: &Path) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("the entry {} leads out of the archive", path.display()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};
    use std::io::Write;
    use zip::write::{SimpleFileOptions, ZipWriter};

    fn is_executable(path: &Path) -> bool {
        fs::metadata(path).unwrap().permissions().mode() & 0o111 == 0o111
    }

    fn tar_gz(path: &Path, fill: impl FnOnce(&mut tar::Builder<GzEncoder<File>>)) {
        let mut builder = tar::Builder::new(GzEncoder::new(File::create(path).unwrap(), Compression::fast()));
        fill(&mut builder);
        builder.into_inner().unwrap().finish().unwrap();
    }

    fn entry(kind: tar::EntryType, mode: u32, size: u64) -> tar::Header {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_size(size);
        header
    }

    #[test]
    fn tar_keeps_exec_bits_and_symlinks() {
        let folder = tempfile::tempdir().unwrap();
        let archive = folder.path().join("env.tar.gz");
        tar_gz(&archive, |tar| {
            tar.append_data(&mut entry(tar::EntryType::Regular, 0o755, 2), "bin/python3.11", &b"#!"[..])
                .unwrap();
            tar.append_link(&mut entry(tar::EntryType::Symlink, 0o777, 0), "bin/python", "python3.11")
                .unwrap();
            tar.append_link(&mut entry(tar::EntryType::Symlink, 0o777, 0), "bin/base", "/usr/bin/python3")
                .unwrap();
        });
        let target = folder.path().join("environment");
        assert_eq!(unpack(&archive, folder.path(), "environment").unwrap(), 3);
        assert!(is_executable(&target.join("bin/python3.11")));
        assert_eq!(fs::read_link(target.join("bin/python")).unwrap(), Path::new("python3.11"));
        assert_eq!(fs::read_link(target.join("bin/base")).unwrap(), Path::new("/usr/bin/python3"));
    }

    #[test]
    fn zip_keeps_exec_bits_and_symlinks() {
        let folder = tempfile::tempdir().unwrap();
        let archive = folder.path().join("env.zip");
        let mut zip = ZipWriter::new(File::create(&archive).unwrap());
        zip.start_file("bin/run", SimpleFileOptions::default().unix_permissions(0o755)).unwrap();
        zip.write_all(b"#!").unwrap();
        zip.add_symlink("bin/link", "run", SimpleFileOptions::default()).unwrap();
        zip.finish().unwrap();
        let target = folder.path().join("environment");
        assert_eq!(unpack(&archive, folder.path(), "environment").unwrap(), 2);
        assert!(is_executable(&target.join("bin/run")));
        assert_eq!(fs::read_link(target.join("bin/link")).unwrap(), Path::new("run"));
    }

    #[test]
    fn what_leads_out_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let (zipped, tarred) = (folder.path().join("a.zip"), folder.path().join("a.tar.gz"));
        let mut zip = ZipWriter::new(File::create(&zipped).unwrap());
        zip.add_symlink("out", folder.path().to_str().unwrap(), SimpleFileOptions::default()).unwrap();
        zip.start_file("out/planted", SimpleFileOptions::default()).unwrap();
        zip.finish().unwrap();
        assert!(unpack(&zipped, folder.path(), "zip").is_err());
        tar_gz(&tarred, |tar| {
            let mut header = entry(tar::EntryType::Regular, 0o644, 1);
            header.as_mut_bytes()[..10].copy_from_slice(b"../planted");
            header.set_cksum();
            tar.append(&header, &b"x"[..]).unwrap();
        });
        assert!(unpack(&tarred, folder.path(), "tar").is_err());
        tar_gz(&tarred, |tar| {
            let out = folder.path().to_path_buf();
            tar.append_link(&mut entry(tar::EntryType::Symlink, 0o777, 0), "out", out).unwrap();
            tar.append_data(&mut entry(tar::EntryType::Regular, 0o644, 1), "out/planted", &b"x"[..]).unwrap();
        });
        assert!(unpack(&tarred, folder.path(), "tar2").is_err());
        assert!(!folder.path().join("planted").exists());
    }

    /// `--archives a.tar.gz#env,b.tar.gz#env/out`: the first brings a symlink where the second one's folder is to be.
    #[test]
    fn no_archive_goes_through_anothers_symlink() {
        let folder = tempfile::tempdir().unwrap();
        let (work, outside) = (folder.path().join("work"), folder.path().join("outside"));
        fs::create_dir(&outside).unwrap();
        let (first, second) = (folder.path().join("a.tar.gz"), folder.path().join("b.tar.gz"));
        tar_gz(&first, |tar| {
            tar.append_link(&mut entry(tar::EntryType::Symlink, 0o777, 0), "out", &outside).unwrap();
            tar.append_link(&mut entry(tar::EntryType::Symlink, 0o777, 0), "here", "lib").unwrap();
        });
        tar_gz(&second, |tar| {
            tar.append_data(&mut entry(tar::EntryType::Regular, 0o644, 1), "planted", &b"x"[..]).unwrap();
        });
        unpack(&first, &work, "env").unwrap();
        for name in ["env/out", "env/out/deeper"] {
            let said = unpack(&second, &work, name).unwrap_err().to_string();
            assert!(said.ends_with("leads out of the job's folder"), "{said}");
        }
        assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
        unpack(&second, &work, "env/lib").unwrap();
        unpack(&second, &work, "env/here").unwrap();
        assert!(work.join("env/lib/planted").exists());
    }

    #[test]
    fn a_file_of_another_kind_is_copied() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("model.bin"), "x").unwrap();
        unpack(&folder.path().join("model.bin"), folder.path(), "model").unwrap();
        assert!(folder.path().join("model/model.bin").exists());
    }
}
