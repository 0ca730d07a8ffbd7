//! The best short reason for a failed job: the last exceptions in its logs.
//!
//! Spark, Python and Java each end in their own way; this room knows their looks and nothing else. The control plane
//! puts the summary behind EMR's words and cuts it.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// How much of the end of a file is looked at.
const TAIL: u64 = 256 * 1024;
/// Longest summary, characters.
const LONGEST: usize = 1_000;

/// The last exceptions of a job, the most telling first; empty if its files cannot be read or say nothing.
///
/// Spark's driver sends what a Python script writes to its stderr, tracebacks too, to `stdout`: both are looked at.
pub fn summary(stderr: &Path, stdout: &Path) -> String {
    last_exceptions(&tail(stderr).unwrap_or_default(), &tail(stdout).unwrap_or_default())
}

/// What a JVM prints that ran out of heap.
const OUT_OF_MEMORY: &str = "java.lang.OutOfMemoryError";
/// What the system says when a disk is full, and what Hadoop says that looks for room before it writes.
const NO_SPACE: [&str; 2] = ["No space left on device", "Could not find any valid local directory for "];

/// Did a JVM run out of heap?
pub fn out_of_memory(stderr: &Path, stdout: &Path) -> bool {
    says(stderr, stdout, &[OUT_OF_MEMORY])
}

/// Did something find no room on a disk?
pub fn no_space(stderr: &Path, stdout: &Path) -> bool {
    says(stderr, stdout, &NO_SPACE)
}

/// Does the end of one of the two files hold one of these words?
fn says(stderr: &Path, stdout: &Path, words: &[&str]) -> bool {
    let any = |text: String| words.iter().any(|words| text.contains(words));
    [stderr, stdout].iter().any(|path| tail(path).is_ok_and(any))
}

fn tail(path: &Path) -> io::Result<String> {
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    let from = length.saturating_sub(TAIL);
    let mut bytes = vec![0; usize::try_from(length - from).unwrap_or(0)];
    file.read_exact_at(&mut bytes, from)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The last exceptions in the two texts.
pub fn last_exceptions(stderr: &str, stdout: &str) -> String {
    let lines = |text| str::lines(text).map(str::trim_end).collect::<Vec<_>>();
    let (stderr, stdout) = (lines(stderr), lines(stdout));
    let chosen = executors(&stderr)
        .or_else(|| python(&stdout))
        .or_else(|| python(&stderr))
        .or_else(|| java(&stderr))
        .or_else(|| last_words(&stderr, &stdout));
    chosen.unwrap_or_default().chars().take(LONGEST).collect()
}

/// Spark's driver ends itself when executors fail too often; what the script then says ("SparkContext was shut down")
/// is not the reason. Spark 3.5 and later (`ExecutorPodsAllocator`).
fn executors(stderr: &[&str]) -> Option<String> {
    const TEXT: &str = "Max number of executor failures (";
    let (_, rest) = stderr.iter().rev().find_map(|line| line.split_once(TEXT))?;
    let count = rest.split(')').next().unwrap_or_default();
    Some(format!("{TEXT}{count}) reached; why they failed is in the logs under SPARK_EXECUTOR/"))
}

/// The line that ends the last Python traceback, with what it chains to in the JVM.
fn python(lines: &[&str]) -> Option<String> {
    let begun = lines.iter().rposition(|line| {
        line.starts_with("Traceback (most recent call last)") || line.starts_with("  File \"")
    })?;
    let last = lines[begun..].iter().position(|line| is_exception(line)).map(|offset| begun + offset)?;
    let mut summary = lines[last].to_owned();
    let rest = lines[last + 1..].iter().take_while(|line| !is_log_line(line));
    let more: Vec<&str> =
        rest.copied().filter(|line| line.starts_with(':') || line.starts_with("Caused by: ")).collect();
    for line in more.first().into_iter().chain(more.last().filter(|_| more.len() > 1)) {
        summary.push('\n');
        summary.push_str(line.trim_start_matches(": "));
    }
    Some(summary)
}

/// The last `Exception in thread …` (or bare exception) and its last cause.
fn java(lines: &[&str]) -> Option<String> {
    let begun = lines
        .iter()
        .rposition(|line| line.starts_with("Exception in thread "))
        .or_else(|| lines.iter().rposition(|line| is_exception(line)))?;
    let cause = lines[begun..].iter().rev().find(|line| line.starts_with("Caused by: "));
    Some(match cause {
        Some(cause) => format!("{}\n{cause}", lines[begun]),
        None => lines[begun].to_owned(),
    })
}

/// The last line that says ERROR or Error:, else the last that is not the log's; a Python script's own are in `stdout`.
fn last_words(stderr: &[&str], stdout: &[&str]) -> Option<String> {
    let error = stderr.iter().rev().find(|line| line.contains(" ERROR ") || line.starts_with("Error"));
    let own = |lines: &&&str| !lines.trim().is_empty() && !is_log_line(lines) && !lines.starts_with(NOTE);
    let last = || stdout.iter().rev().find(own).or_else(|| stderr.iter().rev().find(own));
    let words = error.or_else(last).map(|line| line.trim().to_owned());
    words.or_else(|| (!stderr.is_empty()).then(|| "none in the logs".to_owned()))
}

/// How the runner's own lines begin.
const NOTE: &str = "Firesteel: ";

/// `some.package.SomeError: text`, `SomeException`, `SystemExit: 3`.
fn is_exception(line: &str) -> bool {
    let name = line.split(':').next().unwrap_or_default();
    let shape = name.chars().all(|letter| letter.is_alphanumeric() || matches!(letter, '.' | '_' | '$'));
    let last = name.rsplit(['.', '$']).next().unwrap_or_default();
    let ends = ["Error", "Exception", "Exit", "Interrupt", "Failure"].iter().any(|end| last.ends_with(end));
    shape && (ends || (line.contains(": ") && name.contains('.') && last.starts_with(char::is_uppercase)))
}

/// `25/11/21 12:59:59 INFO …`
fn is_log_line(line: &str) -> bool {
    let bytes = line.as_bytes();
    bytes.len() > 17 && bytes[2] == b'/' && bytes[5] == b'/' && bytes[8] == b' ' && bytes[11] == b':'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exceptions_of_each_kind() {
        let table = [
            ("", ""),
            (
                "26/11/21 12:00:00 ERROR ExecutorPodsAllocator: Max number of executor failures (3) reached\nTraceback (most recent call last):\n  File \"a.py\", line 2, in <module>\npy4j.protocol.Py4JJavaError: An error occurred\n",
                "Max number of executor failures (3) reached; why they failed is in the logs under SPARK_EXECUTOR/",
            ),
            (
                "26/11/21 12:00:00 INFO X: y\nTraceback (most recent call last):\n  File \"/w/a.py\", line 1, in <module>\n    import nope\nModuleNotFoundError: No module named 'nope'\n26/11/21 12:00:01 INFO ShutdownHookManager: Shutdown hook called\n",
                "ModuleNotFoundError: No module named 'nope'",
            ),
            (
                "  File \"/w/a.py\", line 3\n    x = = 1\n        ^\nSyntaxError: invalid syntax\n26/11/21 12:00:01 INFO ShutdownHookManager: done",
                "SyntaxError: invalid syntax",
            ),
            (
                "Traceback (most recent call last):\n  File \"a.py\", line 2, in <module>\npyspark.errors.exceptions.captured.AnalysisException: [PATH_NOT_FOUND] Path does not exist: s3://b/x.\n",
                "pyspark.errors.exceptions.captured.AnalysisException: [PATH_NOT_FOUND] Path does not exist: s3://b/x.",
            ),
            (
                "Traceback (most recent call last):\n  File \"a.py\", line 2, in <module>\npy4j.protocol.Py4JJavaError: An error occurred while calling o1.collect.\n: org.apache.spark.SparkException: Job aborted\n\tat x\nCaused by: java.lang.ArithmeticException: / by zero\n\tat y\n",
                "py4j.protocol.Py4JJavaError: An error occurred while calling o1.collect.\norg.apache.spark.SparkException: Job aborted\nCaused by: java.lang.ArithmeticException: / by zero",
            ),
            (
                "Exception in thread \"main\" java.lang.IllegalStateException: no\n\tat x\nCaused by: java.io.IOException: gone\n\tat y\n26/11/21 12:00:01 INFO ShutdownHookManager: done",
                "Exception in thread \"main\" java.lang.IllegalStateException: no\nCaused by: java.io.IOException: gone",
            ),
            (
                "26/11/21 12:00:00 ERROR SparkSubmit: Failed to load class Main.\n26/11/21 12:00:00 INFO X: bye\n",
                "26/11/21 12:00:00 ERROR SparkSubmit: Failed to load class Main.",
            ),
            ("Error: Failed to load Main.\nbye\n", "Error: Failed to load Main."),
        ];
        for (text, expected) in table {
            assert_eq!(last_exceptions(text, ""), expected, "{text}");
            if text.starts_with("Traceback") {
                assert_eq!(last_exceptions("26/11/21 12:00:00 ERROR X: y", text), expected, "{text}");
            }
        }
    }

    #[test]
    fn a_script_that_leaves_without_an_exception_has_the_last_word() {
        let log = "Firesteel: fetched s3://b/x.py (6 bytes, 0.1 s)\n26/11/21 12:00:00 WARN Utils: HTTP\n26/11/21 12:00:01 INFO ShutdownHookManager: Deleting directory /w/tmp/spark-1\n";
        assert_eq!(last_exceptions(log, ""), "none in the logs");
        assert_eq!(last_exceptions(log, "before\nno input: give --input\n\n"), "no input: give --input");
        assert_eq!(last_exceptions(&format!("{log}Killed\n"), ""), "Killed");
        let spark = format!("26/11/21 12:00:00 ERROR SparkContext: no\n{log}");
        assert_eq!(last_exceptions(&spark, "before\n"), "26/11/21 12:00:00 ERROR SparkContext: no");
    }

    #[test]
    fn signs_of_a_full_disk_and_of_a_full_heap() {
        let folder = tempfile::tempdir().unwrap();
        let (stderr, stdout) = (folder.path().join("stderr"), folder.path().join("stdout"));
        let signs = |text: &str| {
            std::fs::write(&stdout, text).unwrap();
            (no_space(&stderr, &stdout), out_of_memory(&stderr, &stdout))
        };
        assert_eq!(signs("OSError: [Errno 28] No space left on device"), (true, false));
        assert_eq!(signs("#\n# java.lang.OutOfMemoryError: Java heap space\n"), (false, true));
        assert_eq!(signs("ValueError: no"), (false, false));
    }

    #[test]
    fn a_file_that_is_not_there_gives_nothing() {
        assert_eq!(summary(Path::new("/nowhere/stderr"), Path::new("/nowhere/stdout")), "");
    }
}
