//! ARNs of this installation.

use crate::ports::Config;
use firesteel_core::id::{ApplicationId, JobRunId};

/// The partition that a region belongs to.
pub fn partition(config: &Config) -> &'static str {
    match config.region.as_str() {
        region if region.starts_with("cn-") => "aws-cn",
        region if region.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    }
}

/// `arn:<partition>:emr-serverless:<region>:<account>:/applications/<id>`.
pub fn application(config: &Config, id: &ApplicationId) -> String {
    let (partition, region, account) = (partition(config), &config.region, &config.account);
    format!("arn:{partition}:emr-serverless:{region}:{account}:/applications/{id}")
}

/// `…/jobruns/<run>`.
pub fn job_run(config: &Config, id: &ApplicationId, run: &JobRunId) -> String {
    format!("{}/jobruns/{run}", application(config, id))
}
