//! `sparkSubmitParameters`: one shell-like string → what it asks.
//!
//! Source: EMR user guide, jobs-spark (listed flags); Spark's `SparkSubmitOptionParser` (spelling, `--flag=value`,
//! `-c`) and `SparkSubmitArguments` (a flag wins over `--conf` of the same property).

use super::words;
use super::{ClassificationError, OwnedProperty, Properties, classification, owned};

/// What `sparkSubmitParameters` asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SparkSubmit {
    /// Every property: `--conf`, and the flags that stand for one (`--jars` is `spark.jars`).
    pub conf: Properties,
    /// Main class (`--class`).
    pub class: Option<String>,
    /// Extra properties file (`--properties-file`), below `--conf`.
    pub properties_file: Option<String>,
    /// `--verbose`.
    pub verbose: bool,
}

/// Why `sparkSubmitParameters` cannot be understood or obeyed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParameterError {
    /// A quote is never closed.
    #[error("sparkSubmitParameters: the quote {quote} at position {position} is not closed")]
    OpenQuote {
        /// Which quote.
        quote: char,
        /// Its byte offset, from 0.
        position: usize,
    },
    /// No such flag.
    #[error("sparkSubmitParameters: unknown option {0}")]
    UnknownFlag(String),
    /// A flag of spark-submit that has no meaning here.
    #[error("sparkSubmitParameters: {0} is not supported: the service chooses where and how the job runs")]
    RefusedFlag(String),
    /// A flag at the end without its value.
    #[error("sparkSubmitParameters: {0} needs a value")]
    MissingValue(String),
    /// A `--conf` that is not `key=value`.
    #[error("sparkSubmitParameters: --conf needs key=value, not {0:?}")]
    BadConf(String),
    /// A word that belongs to no flag. The entry point has a field of its own.
    #[error("sparkSubmitParameters: {0:?} belongs to no option")]
    Stray(String),
    /// A property that the service owns.
    #[error("sparkSubmitParameters: {0}")]
    Owned(#[from] OwnedProperty),
    /// A flag for a property that the service owns.
    #[error("sparkSubmitParameters: {flag} ({property})")]
    OwnedFlag {
        /// The flag.
        flag: &'static str,
        /// What it stands for.
        property: OwnedProperty,
    },
    /// A value that names a secret.
    #[error(transparent)]
    Secret(#[from] ClassificationError),
}

/// Flags that stand for one property.
const PROPERTY_FLAGS: [(&str, &str); 18] = [
    ("--archives", "spark.archives"),
    ("--driver-class-path", "spark.driver.extraClassPath"),
    ("--driver-cores", "spark.driver.cores"),
    ("--driver-java-options", "spark.driver.extraJavaOptions"),
    ("--driver-library-path", "spark.driver.extraLibraryPath"),
    ("--driver-memory", "spark.driver.memory"),
    ("--exclude-packages", "spark.jars.excludes"),
    ("--executor-cores", "spark.executor.cores"),
    ("--executor-memory", "spark.executor.memory"),
    ("--files", "spark.files"),
    ("--jars", "spark.jars"),
    ("--name", "spark.app.name"),
    ("--num-executors", "spark.executor.instances"),
    ("--packages", "spark.jars.packages"),
    ("--py-files", "spark.submit.pyFiles"),
    ("--repositories", "spark.jars.repositories"),
    ("--master", "spark.master"),
    ("--deploy-mode", "spark.submit.deployMode"),
];

/// Flags of spark-submit that are refused.
const REFUSED_FLAGS: [&str; 11] = [
    "--kill",
    "--status",
    "--supervise",
    "--queue",
    "--keytab",
    "--principal",
    "--proxy-user",
    "--remote",
    "--total-executor-cores",
    "--help",
    "--version",
];

/// Reads `sparkSubmitParameters`. Properties that the service owns are refused here already.
pub fn parse(text: &str) -> Result<SparkSubmit, ParameterError> {
    let mut submit = SparkSubmit::default();
    let mut flags = Properties::new();
    let mut words = words::split(text)?.into_iter();
    while let Some(word) = words.next() {
        let (flag, inline) = flag_and_value(&word)?;
        if matches!(flag, "--verbose" | "-v") {
            submit.verbose = true;
            continue;
        }
        let place = place(flag)?;
        let value = inline
            .map(str::to_owned)
            .or_else(|| words.next())
            .ok_or_else(|| ParameterError::MissingValue(flag.to_owned()))?;
        match place {
            Place::Conf => put_conf(&mut submit.conf, &value)?,
            Place::Class => submit.class = Some(value),
            Place::PropertiesFile => submit.properties_file = Some(value),
            Place::Property(key) => {
                flags.insert(key.to_owned(), value);
            }
        }
    }
    if let Some(property) = owned::conflict(&flags) {
        let flag = PROPERTY_FLAGS.iter().find(|(_, key)| *key == property.key).map_or("", |(flag, _)| flag);
        return Err(ParameterError::OwnedFlag { flag, property });
    }
    submit.conf.append(&mut flags);
    classification::secrets("sparkSubmitParameters", &submit.conf)?;
    match owned::conflict(&submit.conf) {
        Some(refused) => Err(refused.into()),
        None => Ok(submit),
    }
}

enum Place {
    Conf,
    Class,
    PropertiesFile,
    Property(&'static str),
}

fn flag_and_value(word: &str) -> Result<(&str, Option<&str>), ParameterError> {
    if !word.starts_with('-') {
        return Err(ParameterError::Stray(word.to_owned()));
    }
    Ok(match word.split_once('=') {
        Some((flag, value)) => (flag, Some(value)),
        None => (word, None),
    })
}

fn place(flag: &str) -> Result<Place, ParameterError> {
    let property = PROPERTY_FLAGS.iter().find(|(name, _)| *name == flag);
    match (flag, property) {
        ("--conf" | "-c", _) => Ok(Place::Conf),
        ("--class", _) => Ok(Place::Class),
        ("--properties-file", _) => Ok(Place::PropertiesFile),
        (_, Some((_, key))) => Ok(Place::Property(key)),
        _ if REFUSED_FLAGS.contains(&flag) => Err(ParameterError::RefusedFlag(flag.to_owned())),
        _ => Err(ParameterError::UnknownFlag(flag.to_owned())),
    }
}

fn put_conf(conf: &mut Properties, pair: &str) -> Result<(), ParameterError> {
    match pair.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => {
            conf.insert(key.trim().to_owned(), value.to_owned());
            Ok(())
        }
        _ => Err(ParameterError::BadConf(pair.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn conf(pairs: &[(&str, &str)]) -> Properties {
        pairs.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect()
    }

    #[test]
    fn flags_become_properties() {
        let text = "--class org.x.Main --conf spark.a=1 -c spark.b=2 --conf=spark.c=x=y \\\n --jars s3://b/a.jar,s3://b/b.jar
            --archives=s3://b/env.tar.gz#environment --driver-memory 2g --executor-cores 1 --num-executors 2 --verbose";
        let submit = parse(text).unwrap();
        let expected = conf(&[
            ("spark.a", "1"),
            ("spark.b", "2"),
            ("spark.c", "x=y"),
            ("spark.jars", "s3://b/a.jar,s3://b/b.jar"),
            ("spark.archives", "s3://b/env.tar.gz#environment"),
            ("spark.driver.memory", "2g"),
            ("spark.executor.cores", "1"),
            ("spark.executor.instances", "2"),
        ]);
        assert_eq!(submit.conf, expected);
        assert_eq!(submit.class.as_deref(), Some("org.x.Main"));
        assert!(submit.verbose);
    }

    #[test]
    fn a_flag_wins_over_its_property_and_the_last_conf_wins() {
        let submit =
            parse("--driver-memory 2g --conf spark.driver.memory=4g --conf spark.a=1 --conf spark.a=2");
        assert_eq!(submit.unwrap().conf, conf(&[("spark.driver.memory", "2g"), ("spark.a", "2")]));
    }

    #[test]
    fn refusals_name_what_is_wrong() {
        let table = [
            ("--conf", "sparkSubmitParameters: --conf needs a value"),
            ("--conf spark.a", "sparkSubmitParameters: --conf needs key=value, not \"spark.a\""),
            ("--frob x", "sparkSubmitParameters: unknown option --frob"),
            (
                "--queue x",
                "sparkSubmitParameters: --queue is not supported: the service chooses where and how the job runs",
            ),
            (
                "--master yarn",
                "sparkSubmitParameters: --master (spark.master cannot be set to \"yarn\": the service chooses where the job runs)",
            ),
            (
                "--deploy-mode cluster",
                "sparkSubmitParameters: --deploy-mode (spark.submit.deployMode cannot be set to \"cluster\": the service chooses where the job runs)",
            ),
            (
                "--conf spark.x=EMR.secret@pw",
                "sparkSubmitParameters: property 'spark.x': EMR.secret@ cannot be resolved: there is no Secrets Manager here.",
            ),
            ("s3://b/x.py", "sparkSubmitParameters: \"s3://b/x.py\" belongs to no option"),
            ("--conf 'a=b", "sparkSubmitParameters: the quote ' at position 7 is not closed"),
        ];
        for (text, message) in table {
            assert_eq!(parse(text).unwrap_err().to_string(), message, "{text}");
        }
        for property in
            ["spark.kubernetes.namespace=x", "spark.master=yarn", "spark.shuffle.service.enabled=true"]
        {
            let said = parse(&format!("--conf {property}")).unwrap_err().to_string();
            let name = property.split('=').next().unwrap_or_default();
            assert!(said.starts_with(&format!("sparkSubmitParameters: {name} cannot be set to ")), "{said}");
        }
        assert!(parse("--deploy-mode client").is_ok());
    }

    proptest! {
        #[test]
        fn any_conf_comes_back(key in "[a-z.]{1,20}", value in "[ -~]{0,30}") {
            let submit = parse(&format!("--conf '{}={}'", key, value.replace('\'', "'\\''"))).unwrap();
            prop_assert_eq!(submit.conf, conf(&[(&key, &value)]));
        }

        #[test]
        fn never_panics(text in "\\PC*") {
            let _ = parse(&text);
        }
    }
}
