//! One file an operation, as in the service itself.

mod cancel_job_run;
mod create_application;
mod delete_application;
mod get_application;
mod get_job_run;
mod history;
mod list_applications;
mod list_job_run_attempts;
mod list_job_runs;
mod sessions;
mod start_application;
mod start_job_run;
mod stop_application;
mod tags;
mod update_application;
