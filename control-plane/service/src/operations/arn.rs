//! ARNs of this installation.

use crate::ports::Config;
use firesteel_core::id::{ApplicationId, JobRunId};
use firesteel_wire::arn::Arn;

/// The partition that a region belongs to.
pub fn partition(config: &Config) -> &'static str {
    match config.region.as_str() {
        region if region.starts_with("cn-") => "aws-cn",
        region if region.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    }
}

/// Reads an ARN; `None` unless it is of this service in this installation's partition, region and account. Another
/// spelling must not name the same resource: policies compare ARNs as texts.
pub fn own(config: &Config, text: &str) -> Option<Arn> {
    let arn = Arn::parse(text)?;
    let here = arn.partition == partition(config) && arn.region == config.region;
    (here && arn.account == config.account).then_some(arn)
}

/// `arn:<partition>:emr-serverless:<region>:<account>:/applications/<id>`.
pub fn application(config: &Config, id: &ApplicationId) -> String {
    below(config, id.as_str(), &[])
}

/// `…/jobruns/<run>`.
pub fn job_run(config: &Config, id: &ApplicationId, run: &JobRunId) -> String {
    below(config, id.as_str(), &["/jobruns/", run.as_str()])
}

/// The ARN of an application with `rest` behind it. It is asked for with every request: one allocation.
pub fn below(config: &Config, id: &str, rest: &[&str]) -> String {
    let (region, account) = (config.region.as_str(), config.account.as_str());
    let own = ["arn:", partition(config), ":emr-serverless:", region, ":", account, ":/applications/", id];
    let mut arn = String::with_capacity(own.iter().chain(rest).map(|piece| piece.len()).sum());
    arn.extend(own.iter().chain(rest).copied());
    arn
}
