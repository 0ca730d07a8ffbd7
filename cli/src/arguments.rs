//! The command line of everything but the API's own verbs. Values only: it must not know what a command does.

use crate::up::tls::Certificate;
use clap::{Args, Parser, Subcommand};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

/// A serverless job-run control plane for Apache Spark, with the EMR Serverless API and its state in S3 alone.
#[derive(Debug, Parser)]
#[command(name = "firesteel", version, propagate_version = true, max_term_width = 110)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start S3, STS and the EMR Serverless API on this machine: one process, one port
    Up(Up),
    /// Print the variables that point AWS CLI and SDKs at `firesteel up`: eval "$(firesteel env)"
    Env(Env),
    /// Start the EMR Serverless API on any S3, alone or beside others
    Serve(Serve),
    /// Print what a job run's driver or an executor has written
    Logs(Logs),
    /// Print what a job run cost, from a table of prices
    Cost(Cost),
    /// Show and install the Spark releases that run on this machine
    #[command(subcommand)]
    Release(Release),
    /// The first process of a worker (started by the control plane)
    #[command(hide = true)]
    Runner(Runner),
    /// Ends a worker's processes when its runner is gone (started by the runner)
    #[command(hide = true)]
    RunnerGuard(RunnerGuard),
}

/// Which installation.
#[derive(Args, Clone, Debug, Default)]
pub struct Data {
    /// Data folder [default: $FIRESTEEL_HOME, else ~/.firesteel]
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
}

/// `firesteel up`.
#[derive(Args, Debug)]
#[command(
    long_about = "Start S3, STS and the EMR Serverless API on this machine: one process, one port.\n\n\
    Prints one line when it is ready. SIGINT, SIGTERM or SIGHUP ends its workers; their runs become FAILED. \
    All state is in the data folder and survives a kill."
)]
pub struct Up {
    /// Which installation.
    #[command(flatten)]
    pub data: Data,
    /// Port to listen on; remembered for this data folder [default: 9400]
    #[arg(long, value_name = "N")]
    pub port: Option<u16>,
    /// Address to listen on; beyond loopback it needs TLS, and a roles.toml in the data folder [default: 127.0.0.1]
    #[arg(long, value_name = "ADDR", value_parser = listen)]
    pub listen: Option<Listen>,
    /// Leave the workers running when this ends; the next `firesteel up` goes on with them
    #[arg(long)]
    pub keep_workers: bool,
    /// vCPU that all applications together may use
    #[arg(long, value_name = "N", default_value_t = 16)]
    pub quota_vcpu: u32,
    /// Region to answer as; remembered for this data folder [default: us-east-1]
    #[arg(long)]
    pub region: Option<String>,
    /// How others reach it.
    #[command(flatten)]
    pub exposure: Exposure,
}

/// How a port is reached.
#[derive(Args, Clone, Debug, Default)]
pub struct Exposure {
    /// Serve HTTPS with a certificate of the installation's own authority (DIR/tls/ca.pem)
    #[arg(long, value_name = "self", value_parser = ["self"], conflicts_with = "tls_cert")]
    pub tls: Option<String>,
    /// Serve HTTPS with the certificates of this PEM file; read again when it changes
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// The private key of --tls-cert, a PEM file
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    /// Name under which others reach it: for the own certificate and for `firesteel env`; may be repeated
    #[arg(long, value_name = "HOST")]
    pub host_name: Vec<String>,
    /// Listen beyond loopback without TLS: whoever reads the network can act as the callers
    #[arg(long, conflicts_with_all = ["tls", "tls_cert"])]
    pub plain_http: bool,
}

impl Exposure {
    /// The certificate that was asked for.
    pub fn certificate(&self, folder: &std::path::Path, address: SocketAddr) -> Option<Certificate> {
        if let (Some(chain), Some(key)) = (&self.tls_cert, &self.tls_key) {
            return Some(Certificate::Given { chain: chain.clone(), key: key.clone() });
        }
        self.tls.as_ref().map(|_| {
            let mut names = self.host_name.clone();
            names.push(address.ip().to_string());
            Certificate::Own { folder: folder.join("tls"), names }
        })
    }
}

/// `firesteel env`.
#[derive(Args, Debug)]
pub struct Env {
    /// Which installation.
    #[command(flatten)]
    pub data: Data,
    /// The keys of this identity of identities.toml instead of the operator's
    #[arg(long, value_name = "NAME")]
    pub identity: Option<String>,
}

/// `firesteel serve`.
#[derive(Args, Debug)]
#[command(long_about = "Start the EMR Serverless API on any S3, alone or beside others.\n\n\
    Credentials, region and endpoint come from the ordinary AWS environment and profile. Callers are those of \
    identities.toml in the data folder (or --identities), and FIRESTEEL_ACCESS_KEY_ID with FIRESTEEL_SECRET_ACCESS_KEY; if there are \
    none, whoever has the environment's own AWS_ACCESS_KEY_ID. Its workers go on running when it stops.")]
pub struct Serve {
    /// Where the state is kept: s3://bucket/prefix
    #[arg(long, value_name = "URI", value_parser = State::from_str)]
    pub state: State,
    /// Address to listen on: IP, IP:PORT
    #[arg(long, value_name = "ADDR", value_parser = listen, default_value = "127.0.0.1:9400")]
    pub listen: Listen,
    /// Where workers live
    #[arg(long, value_parser = ["process"], default_value = "process")]
    pub substrate: String,
    /// vCPU that all applications together may use
    #[arg(long, value_name = "N", default_value_t = 16)]
    pub quota_vcpu: u32,
    /// Who may call [default: identities.toml in the data folder]
    #[arg(long, value_name = "FILE")]
    pub identities: Option<PathBuf>,
    /// Keys of execution roles, for an S3 without STS [default: role-keys.toml in the data folder]
    #[arg(long, value_name = "FILE")]
    pub role_keys: Option<PathBuf>,
    /// How others reach it.
    #[command(flatten)]
    pub exposure: Exposure,
    /// Which folder holds workers and identities.
    #[command(flatten)]
    pub data: Data,
}

/// `firesteel logs`.
#[derive(Args, Debug)]
pub struct Logs {
    /// The job run
    #[arg(value_name = "JOB_RUN_ID")]
    pub job_run: String,
    /// Its application (found by listing if not given)
    #[arg(long, value_name = "ID")]
    pub application_id: Option<String>,
    /// Go on until the run has ended; exit 0 if it succeeded, else 1
    #[arg(short, long)]
    pub follow: bool,
    /// Standard error instead of standard output
    #[arg(long)]
    pub stderr: bool,
    /// The executor of this number instead of the driver
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub executor: Option<u32>,
    /// Attempt of the run [default: the latest; followed, all that come]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub attempt: Option<u32>,
    /// Which service.
    #[command(flatten)]
    pub target: Target,
}

/// `firesteel cost`.
#[derive(Args, Debug)]
#[command(long_about = "Print what a job run cost, from a table of prices.\n\n\
    The quantities are the run's billedResourceUtilization. The prices are those of --prices, else of prices.toml in the \
    data folder, else of EMR Serverless in us-east-1. --print-prices prints the table in force, ready to be changed.")]
pub struct Cost {
    /// The job run
    #[arg(value_name = "JOB_RUN_ID", required_unless_present = "print_prices")]
    pub job_run: Option<String>,
    /// Its application (found by listing if not given)
    #[arg(long, value_name = "ID")]
    pub application_id: Option<String>,
    /// A table of prices [default: prices.toml in the data folder, else the built-in one]
    #[arg(long, value_name = "FILE")]
    pub prices: Option<PathBuf>,
    /// In which form to print it
    #[arg(long, value_name = "FORM", value_parser = ["text", "json"], default_value = "text")]
    pub output: String,
    /// Print the table of prices instead
    #[arg(long)]
    pub print_prices: bool,
    /// Which service.
    #[command(flatten)]
    pub target: Target,
}

/// Which service to speak to.
#[derive(Args, Clone, Debug, Default)]
pub struct Target {
    /// Which installation's keys and port, where the AWS_… variables do not say otherwise.
    #[command(flatten)]
    pub data: Data,
    /// URL of the service [default: $AWS_ENDPOINT_URL, else that of the data folder]
    #[arg(long, value_name = "URL")]
    pub endpoint_url: Option<String>,
    /// Region to sign for [default: $AWS_REGION, else that of the data folder]
    #[arg(long)]
    pub region: Option<String>,
}

/// `firesteel release`.
#[derive(Debug, Subcommand)]
pub enum Release {
    /// List all release labels, what they stand for, and how they stand on this machine
    List,
    /// Install a release's Spark, Hadoop and Python from the package registries
    Install {
        /// Release label, e.g. emr-7.13.0
        label: String,
    },
}

/// `firesteel runner`.
#[derive(Args, Debug)]
pub struct Runner {
    /// Descriptor to read the errand from
    #[arg(long)]
    pub errand_fd: i32,
}

/// `firesteel runner-guard`.
#[derive(Args, Debug)]
pub struct RunnerGuard {
    /// How the job's processes are known
    pub mark: String,
}

/// An address to listen on, with or without a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listen {
    /// Address.
    pub ip: IpAddr,
    /// Port, if one is named.
    pub port: Option<u16>,
}

fn listen(text: &str) -> Result<Listen, String> {
    let local = text.replace("localhost", "127.0.0.1");
    let whole = local.parse::<SocketAddr>().map(|a| Listen { ip: a.ip(), port: Some(a.port()) });
    whole
        .or_else(|_| local.trim_matches(['[', ']']).parse().map(|ip| Listen { ip, port: None }))
        .map_err(|_| "an IP address is needed, e.g. 127.0.0.1 or 0.0.0.0:9400".to_owned())
}

/// A place in S3: `s3://bucket/prefix`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// Bucket.
    pub bucket: String,
    /// Prefix without slashes at its ends; may be empty.
    pub prefix: String,
}

impl FromStr for State {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let rest = text.strip_prefix("s3://").ok_or("it must begin with s3://")?;
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        match bucket {
            "" => Err("it names no bucket".to_owned()),
            _ => Ok(Self { bucket: bucket.to_owned(), prefix: prefix.trim_matches('/').to_owned() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Command, clap::Error> {
        Arguments::try_parse_from(line.split(' ')).map(|arguments| arguments.command)
    }

    #[test]
    fn the_contract() {
        let lines = [
            "firesteel up",
            "firesteel up --data d --port 9 --keep-workers --listen 0.0.0.0 --quota-vcpu 4 --region eu-west-1",
            "firesteel env --data d",
            "firesteel env --identity ann",
            "firesteel up --listen 0.0.0.0 --tls self --host-name a.example --host-name b.example",
            "firesteel up --listen 0.0.0.0 --tls-cert c.pem --tls-key k.pem",
            "firesteel serve --state s3://b --listen 0.0.0.0 --plain-http --identities i.toml",
            "firesteel serve --state s3://b/p",
            "firesteel serve --state s3://b --listen 127.0.0.1:0 --substrate process --data d",
            "firesteel logs r",
            "firesteel logs -f r --application-id a --stderr --attempt 2",
            "firesteel logs r --follow --endpoint-url http://127.0.0.1:1",
            "firesteel logs r --executor 3 --stderr -f",
            "firesteel cost r",
            "firesteel cost r --application-id a --prices p.toml --output json --data d",
            "firesteel cost --print-prices",
            "firesteel release list",
            "firesteel release install emr-7.13.0",
            "firesteel runner --errand-fd 0",
            "firesteel runner-guard abc",
        ];
        for line in lines {
            parsed(line).unwrap_or_else(|error| panic!("{line}: {error}"));
        }
    }

    #[test]
    fn refused_with_exit_code_2() {
        let lines = [
            "firesteel",
            "firesteel nonsense",
            "firesteel up --port 99999",
            "firesteel up --listen here",
            "firesteel up --quota-vcpu many",
            "firesteel up --tls other",
            "firesteel up --tls-cert c.pem",
            "firesteel up --tls self --plain-http",
            "firesteel up --tls self --tls-cert c.pem --tls-key k.pem",
            "firesteel serve",
            "firesteel serve --state /tmp",
            "firesteel serve --state s3:///p",
            "firesteel serve --state s3://b/p --substrate nomad",
            "firesteel logs",
            "firesteel logs r --executor 0",
            "firesteel logs r --executor driver",
            "firesteel logs r --attempt 0",
            "firesteel cost",
            "firesteel cost r --output yaml",
            "firesteel release install",
        ];
        for line in lines {
            assert_eq!(parsed(line).map(|_| ()).unwrap_err().exit_code(), 2, "{line}");
        }
    }

    #[test]
    fn addresses_to_listen_on() {
        let table = [
            ("127.0.0.1", "127.0.0.1", None),
            ("localhost:80", "127.0.0.1", Some(80)),
            ("0.0.0.0:9400", "0.0.0.0", Some(9400)),
            ("::1", "::1", None),
            ("[::1]", "::1", None),
            ("[::]:1", "::", Some(1)),
        ];
        for (text, ip, port) in table {
            assert_eq!(listen(text), Ok(Listen { ip: ip.parse().unwrap(), port }), "{text}");
        }
    }

    #[test]
    fn places_in_s3() {
        let place = |bucket: &str, prefix: &str| Ok(State { bucket: bucket.into(), prefix: prefix.into() });
        assert_eq!("s3://b".parse::<State>(), place("b", ""));
        assert_eq!("s3://b/".parse::<State>(), place("b", ""));
        assert_eq!("s3://b/p/q/".parse::<State>(), place("b", "p/q"));
    }

    #[test]
    fn the_tree_of_commands_is_sound() {
        <Arguments as clap::CommandFactory>::command().debug_assert();
    }
}
