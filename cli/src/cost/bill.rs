//! What a run's billed resources come to at given prices, as a value and as text. No I/O.

use super::prices::{Prices, Rates};
use serde::Serialize;
use serde_json::Value;

/// What a run cost.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Cost {
    /// The run.
    pub job_run_id: String,
    /// Its state.
    pub state: String,
    /// The application's architecture.
    pub architecture: String,
    /// Whose prices.
    pub prices: String,
    /// In which currency.
    pub currency: String,
    /// vCPU, memory, storage.
    pub lines: [Line; 3],
    /// Their sum.
    pub total: f64,
}

/// A line of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    /// What was used.
    pub resource: &'static str,
    /// How much, in `unit`.
    pub quantity: f64,
    /// What it is counted in.
    pub unit: &'static str,
    /// Price of one unit.
    pub price: f64,
    /// Quantity times price.
    pub cost: f64,
}

impl Cost {
    /// Prices a run as GetJobRun tells it. `None`: it is not billed yet.
    pub fn of(run: &Value, architecture: &str, prices: &Prices) -> Option<Self> {
        let billed = run["billedResourceUtilization"].as_object()?;
        let used = |member: &str| billed.get(member).and_then(Value::as_f64).unwrap_or(0.0);
        let Rates { vcpu, memory_gb, storage_gb } = prices.of(architecture);
        let line = |resource, quantity, unit, price| Line {
            resource,
            quantity,
            unit,
            price,
            cost: quantity * price,
        };
        let lines = [
            line("vCPU", used("vCPUHour"), "vCPU-hour", vcpu),
            line("memory", used("memoryGBHour"), "GB-hour", memory_gb),
            line("storage", used("storageGBHour"), "GB-hour", storage_gb),
        ];
        let text = |member: &str| run[member].as_str().unwrap_or_default().to_owned();
        Some(Self {
            job_run_id: text("jobRunId"),
            state: text("state"),
            architecture: architecture.to_owned(),
            prices: prices.name.clone(),
            currency: prices.currency.clone(),
            total: lines.iter().map(|line| line.cost).sum(),
            lines,
        })
    }

    /// For people.
    pub fn text(&self) -> String {
        let mut text =
            format!("{} ({}, {}), {}\n", self.job_run_id, self.state, self.architecture, self.prices);
        for line in &self.lines {
            let Line { resource, quantity, unit, price, cost } = line;
            text += &format!("{resource:<8} {quantity:>12.3} {unit:<10} × {price:<10} {cost:>14.6}\n");
        }
        text + &format!("{:<8} {:>51.6} {}\n", "total", self.total, self.currency)
    }
}

#[cfg(test)]
mod tests {
    use super::super::prices::BUILT_IN;
    use super::*;
    use serde_json::json;

    fn priced(billed: Value, architecture: &str) -> Option<Cost> {
        let mut run = json!({"jobRunId": "r", "state": "SUCCESS"});
        run["billedResourceUtilization"] = billed;
        Cost::of(&run, architecture, &Prices::parse(BUILT_IN).unwrap())
    }

    #[test]
    fn the_worked_example_of_the_user_guide() {
        // 107 s of a driver and three executors of 1 vCPU and 5 GB.
        let billed = json!({"vCPUHour": 0.106, "memoryGBHour": 0.531, "storageGBHour": 0.0});
        let cost = priced(billed.clone(), "X86_64").unwrap();
        assert!((cost.total - (0.106 * 0.052624 + 0.531 * 0.0057785)).abs() < 1e-12);
        assert_eq!(cost.lines[2].cost, 0.0);
        let arm = priced(billed, "ARM64").unwrap();
        assert!((arm.total / cost.total - 0.8).abs() < 1e-6);
        let lines: Vec<String> =
            cost.text().lines().map(|l| l.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        let expected = [
            "r (SUCCESS, X86_64), EMR Serverless in us-east-1",
            "vCPU 0.106 vCPU-hour × 0.052624 0.005578",
            "memory 0.531 GB-hour × 0.0057785 0.003068",
            "storage 0.000 GB-hour × 0.000111 0.000000",
            "total 0.008647 USD",
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn the_figures_stand_below_each_other() {
        let billed = json!({"vCPUHour": 123.456, "memoryGBHour": 4567.8, "storageGBHour": 3.0});
        let text = priced(billed, "X86_64").unwrap().text();
        let ends: Vec<usize> =
            text.lines().skip(1).map(|l| l.trim_end_matches(" USD").chars().count()).collect();
        assert!(ends.iter().all(|end| *end == ends[0]), "{text}");
    }

    #[test]
    fn what_is_not_billed_has_no_cost() {
        assert_eq!(priced(Value::Null, "X86_64"), None);
        assert_eq!(priced(json!({}), "X86_64").map(|cost| cost.total), Some(0.0));
    }
}
