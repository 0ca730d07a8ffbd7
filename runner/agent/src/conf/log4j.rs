//! `log4j2.properties`: to stderr, as EMR has it, with the user's classification laid over it.

use firesteel_core::spark::Properties;

const OURS: [(&str, &str); 14] = [
    ("rootLogger.level", "info"),
    ("rootLogger.appenderRef.stdout.ref", "console"),
    ("appender.console.type", "Console"),
    ("appender.console.name", "console"),
    ("appender.console.target", "SYSTEM_ERR"),
    ("appender.console.layout.type", "PatternLayout"),
    ("appender.console.layout.pattern", "%d{yy/MM/dd HH:mm:ss} %p %c{1}: %m%n%ex"),
    ("logger.jetty.name", "org.sparkproject.jetty"),
    ("logger.jetty.level", "warn"),
    ("logger.parquet.name", "org.apache.parquet"),
    ("logger.parquet.level", "error"),
    ("logger.metrics.name", "org.apache.hadoop.metrics2"),
    ("logger.metrics.level", "error"),
    ("monitorInterval", "0"),
];

/// The properties of log4j2 with the user's laid over ours.
pub fn log4j2(user: Option<&Properties>) -> Properties {
    let mut all: Properties =
        OURS.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
    // What nobody may change was refused when the run was submitted.
    all.extend(user.into_iter().flatten().map(|(key, value)| (key.clone(), value.clone())));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_users_levels_lie_over_ours() {
        let user = [("rootLogger.level", "debug"), ("logger.x.name", "x")];
        let user = user.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        let all = log4j2(Some(&user));
        assert_eq!(all["rootLogger.level"], "debug");
        assert_eq!(all["appender.console.target"], "SYSTEM_ERR");
        assert_eq!(all["logger.x.name"], "x");
    }
}
