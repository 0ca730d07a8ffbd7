//! What is staged from where to where: pure.

use super::StagingError;
use crate::s3::bucket_and_key;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Where EMR's images have Spark; paths below it mean the runtime's SPARK_HOME.
const EMR_SPARK_HOME: &str = "/usr/lib/spark";
/// Where EMR's SPARK_HOME has the examples in Python.
const PYTHON_EXAMPLES: &str = "examples/src/main/python/";

/// The files that a job names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lists {
    /// The script or jar.
    pub entry_point: String,
    /// `spark.jars`.
    pub jars: Vec<String>,
    /// `spark.submit.pyFiles`.
    pub py_files: Vec<String>,
    /// `spark.files`.
    pub files: Vec<String>,
    /// `spark.archives`, with `#name`.
    pub archives: Vec<String>,
}

/// Where a file comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// An object.
    S3 {
        /// Its bucket.
        bucket: String,
        /// Its key.
        key: String,
    },
    /// A file of this machine; used where it lies.
    Local(PathBuf),
}

/// One file to bring.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// As the user wrote it (without `#name`).
    pub uri: String,
    /// Where it comes from.
    pub source: Source,
    /// Its place in the work folder (S3 objects only).
    pub target: PathBuf,
    /// Folder in the work folder into which it is unpacked.
    pub unpack: Option<String>,
}

impl Item {
    /// Where the file lies once it is staged.
    pub fn path(&self, work: &Path) -> PathBuf {
        match &self.source {
            Source::S3 { .. } => work.join(&self.target),
            Source::Local(path) => path.clone(),
        }
    }
}

/// Everything to bring, and the lists as Spark is to read them afterwards.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// What to bring.
    pub items: Vec<Item>,
    /// The same lists with local paths.
    pub staged: Lists,
}

/// Plans the staging of `lists` into `work`, with this SPARK_HOME.
pub fn plan(lists: &Lists, work: &Path, spark_home: &Path) -> Result<Plan, StagingError> {
    let mut planner = Planner { work, spark_home, items: Vec::new(), names: BTreeSet::new() };
    let staged = Lists {
        entry_point: planner.place_file(&lists.entry_point)?,
        jars: planner.each(&lists.jars, Planner::place_or_leave)?,
        py_files: planner.each(&lists.py_files, Planner::place_or_leave)?,
        files: planner.each(&lists.files, Planner::place_renamed)?,
        archives: planner.each(&lists.archives, Planner::place_archive)?,
    };
    Ok(Plan { items: planner.items, staged })
}

struct Planner<'a> {
    work: &'a Path,
    spark_home: &'a Path,
    items: Vec<Item>,
    names: BTreeSet<String>,
}

type Place<'a> = fn(&mut Planner<'a>, &str) -> Result<String, StagingError>;

impl<'a> Planner<'a> {
    fn each(&mut self, uris: &[String], place: Place<'a>) -> Result<Vec<String>, StagingError> {
        uris.iter().map(|uri| place(self, uri)).collect()
    }

    /// Staged if it is an object or a local file; a path for Spark.
    fn place_file(&mut self, uri: &str) -> Result<String, StagingError> {
        let index = self.item(uri, None)?;
        Ok(self.items[index].path(self.work).to_string_lossy().into_owned())
    }

    /// Patterns, and kinds of URI that only Spark can fetch, are left to it.
    fn place_or_leave(&mut self, uri: &str) -> Result<String, StagingError> {
        let known = bucket_and_key(uri).is_some() || local_path(uri).is_some();
        if !known || uri.contains(['*', '?', '{']) { Ok(uri.to_owned()) } else { self.place_file(uri) }
    }

    fn place_renamed(&mut self, uri: &str) -> Result<String, StagingError> {
        match uri.split_once('#') {
            Some((uri, name)) => Ok(format!("{}#{name}", self.place_or_leave(uri)?)),
            None => self.place_or_leave(uri),
        }
    }

    fn place_archive(&mut self, uri: &str) -> Result<String, StagingError> {
        let (uri, name) = match uri.split_once('#') {
            Some((uri, name)) => (uri, name.to_owned()),
            None => (uri, file_name(uri)?),
        };
        let folder = checked_name(&name)?;
        let index = self.item(uri, Some(folder))?;
        let path = self.items[index].path(self.work);
        Ok(format!("file://{}#{name}", path.to_string_lossy()))
    }

    /// The index of the item for `uri`; asked for twice, it is brought once.
    fn item(&mut self, uri: &str, unpack: Option<String>) -> Result<usize, StagingError> {
        if let Some(found) = self.items.iter().position(|item| item.uri == uri && item.unpack == unpack) {
            return Ok(found);
        }
        let item = match (bucket_and_key(uri), local_path(uri)) {
            (Some((bucket, key)), _) => Item {
                uri: uri.to_owned(),
                source: Source::S3 { bucket: bucket.to_owned(), key: key.to_owned() },
                target: self.target(uri, unpack.as_deref())?,
                unpack,
            },
            (None, Some(path)) => Item {
                uri: uri.to_owned(),
                source: Source::Local(self.mapped(path)),
                target: PathBuf::new(),
                unpack,
            },
            (None, None) => return Err(StagingError::Scheme(uri.to_owned())),
        };
        self.items.push(item);
        Ok(self.items.len() - 1)
    }

    /// The file's own name in the work folder; in a folder beside it if the name is taken (by an archive's folder, too).
    fn target(&mut self, uri: &str, unpack: Option<&str>) -> Result<PathBuf, StagingError> {
        let name = file_name(uri)?;
        let free = Some(name.as_str()) != unpack && self.names.insert(name.clone());
        self.names.extend(unpack.map(str::to_owned));
        Ok(if free {
            PathBuf::from(name)
        } else {
            Path::new(&format!(".staged-{}", self.items.len())).join(name)
        })
    }

    fn mapped(&self, path: &str) -> PathBuf {
        let Some(rest) = path.strip_prefix(EMR_SPARK_HOME).filter(|rest| rest.starts_with('/')) else {
            return PathBuf::from(path);
        };
        let rest = rest.trim_start_matches('/');
        let exact = self.spark_home.join(rest);
        if exact.exists() {
            return exact;
        }
        // PyPI's pyspark has the examples in Python without the folders between.
        let flat = rest.strip_prefix(PYTHON_EXAMPLES).map(|rest| self.spark_home.join("examples").join(rest));
        flat.filter(|path| path.exists()).or_else(|| versioned(&exact)).unwrap_or(exact)
    }
}

/// `spark-examples_2.12-3.5.6.jar` where EMR's image has `spark-examples.jar`.
fn versioned(path: &Path) -> Option<PathBuf> {
    let (folder, stem) = (path.parent()?, path.file_stem()?.to_str()?);
    let extension = format!(".{}", path.extension()?.to_str()?);
    let mut found: Vec<PathBuf> = std::fs::read_dir(folder)
        .ok()?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            name.strip_prefix(stem).is_some_and(|rest| rest.starts_with('_') && rest.ends_with(&extension))
        })
        .collect();
    found.sort();
    found.into_iter().next()
}

/// The path of `local:`, `file:` and plain absolute paths.
fn local_path(uri: &str) -> Option<&str> {
    let path = ["local:", "file:"].iter().find_map(|scheme| uri.strip_prefix(scheme)).unwrap_or(uri);
    let path = match path.strip_prefix("//") {
        Some(rest) => rest,
        None => path,
    };
    path.starts_with('/').then_some(path)
}

fn file_name(uri: &str) -> Result<String, StagingError> {
    checked_name(uri.rsplit('/').next().unwrap_or_default()).map_err(|_| StagingError::Name(uri.to_owned()))
}

fn checked_name(name: &str) -> Result<String, StagingError> {
    let parts = || name.split('/');
    let fine =
        !name.is_empty() && parts().all(|part| !matches!(part, "" | "." | "..")) && !name.contains('\0');
    if fine { Ok(name.to_owned()) } else { Err(StagingError::Name(name.to_owned())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planned(lists: Lists) -> Result<Plan, StagingError> {
        plan(&lists, Path::new("/w"), Path::new("/runtime/spark"))
    }

    fn list(uris: &[&str]) -> Vec<String> {
        uris.iter().map(|uri| uri.to_string()).collect()
    }

    #[test]
    fn objects_get_their_own_names_in_the_work_folder() {
        let plan = planned(Lists {
            entry_point: "s3://b/scripts/main.py".into(),
            jars: list(&["s3a://b/a/x.jar", "s3://b/b/x.jar", "https://host/y.jar", "s3://b/jars/*.jar"]),
            py_files: list(&["s3n://b/lib.zip"]),
            files: list(&["s3://b/conf.json#settings.json"]),
            archives: list(&["s3://b/env.tar.gz#environment", "s3://b/data.zip"]),
        })
        .unwrap();
        assert_eq!(plan.staged.entry_point, "/w/main.py");
        assert_eq!(
            plan.staged.jars,
            ["/w/x.jar", "/w/.staged-2/x.jar", "https://host/y.jar", "s3://b/jars/*.jar"]
        );
        assert_eq!(plan.staged.py_files, ["/w/lib.zip"]);
        assert_eq!(plan.staged.files, ["/w/conf.json#settings.json"]);
        assert_eq!(plan.staged.archives[0], "file:///w/env.tar.gz#environment");
        let data = plan.items.last().unwrap();
        assert_eq!(data.unpack.as_deref(), Some("data.zip"));
        assert_ne!(data.target, Path::new("data.zip"), "the archive must not stand where its folder goes");
    }

    #[test]
    fn paths_of_emrs_image_are_those_of_the_runtime() {
        for uri in [
            "local:///usr/lib/spark/examples/src/main/python/pi.py",
            "file:///usr/lib/spark/examples/src/main/python/pi.py",
            "/usr/lib/spark/examples/src/main/python/pi.py",
        ] {
            let plan = planned(Lists { entry_point: uri.into(), ..Lists::default() }).unwrap();
            assert_eq!(plan.staged.entry_point, "/runtime/spark/examples/src/main/python/pi.py", "{uri}");
        }
        let plan = planned(Lists { entry_point: "/opt/x.jar".into(), ..Lists::default() }).unwrap();
        assert_eq!(plan.items[0].source, Source::Local("/opt/x.jar".into()));
    }

    #[test]
    fn an_example_jar_is_found_without_its_version() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("examples/jars");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("spark-examples_2.12-3.5.6.jar"), "").unwrap();
        let lists = Lists {
            entry_point: "/usr/lib/spark/examples/jars/spark-examples.jar".into(),
            ..Lists::default()
        };
        let plan = plan(&lists, Path::new("/w"), home.path()).unwrap();
        assert!(
            plan.staged.entry_point.ends_with("spark-examples_2.12-3.5.6.jar"),
            "{}",
            plan.staged.entry_point
        );
    }

    #[test]
    fn examples_in_python_are_found_where_pypi_has_them() {
        let home = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(home.path().join("examples/ml")).unwrap();
        std::fs::write(home.path().join("examples/ml/als.py"), "").unwrap();
        let lists = Lists {
            entry_point: "local:///usr/lib/spark/examples/src/main/python/ml/als.py".into(),
            ..Lists::default()
        };
        let plan = plan(&lists, Path::new("/w"), home.path()).unwrap();
        assert_eq!(Path::new(&plan.staged.entry_point), home.path().join("examples/ml/als.py"));
    }

    #[test]
    fn names_that_lead_out_and_strange_schemes_are_refused() {
        for archive in ["s3://b/e.zip#../x", "s3://b/e.zip#/x", "s3://b/e.zip#", "s3://b/dir/"] {
            let lists = Lists { entry_point: "/a.py".into(), archives: list(&[archive]), ..Lists::default() };
            assert!(matches!(planned(lists), Err(StagingError::Name(_))), "{archive}");
        }
        let folder = Lists { entry_point: "s3://b/dir/".into(), ..Lists::default() };
        assert!(matches!(planned(folder), Err(StagingError::Name(said)) if said == "s3://b/dir/"));
        for uri in ["main.py", "ftp://h/main.py", "", "s3://b"] {
            let lists = Lists { entry_point: uri.into(), ..Lists::default() };
            assert!(matches!(planned(lists), Err(StagingError::Scheme(_))), "{uri}");
        }
    }
}
