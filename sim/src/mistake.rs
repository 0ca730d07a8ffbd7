//! Known mistakes, planted around the product's code by wrappers: the simulation must find each of them.

use clap::ValueEnum;

/// One known mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Mistake {
    /// No answer to a create is taken for "committed".
    UnknownIsCommitted,
    /// 412 is taken for "committed".
    ExistsIsCommitted,
    /// The condition of a create is ignored.
    Overwrite,
    /// Entries are trimmed at once, so that a late writer finds its old slot free.
    TrimAtOnce,
    /// A read does not see what another control plane wrote a moment ago.
    StaleReads,
    /// Commit times run backwards.
    TimeRunsBackwards,
    /// Tokens of archived runs are forgotten.
    ForgetArchivedTokens,
    /// Runs leave the state although their history object was not stored.
    ForgetHistory,
    /// Workers are launched before their admission is committed.
    LaunchBeforeCommit,
    /// A worker that fell silent after its hello is started again.
    RelaunchTheSilent,
    /// A worker is said to be dead that was not killed.
    KillIsIgnored,
    /// The desk does not compare marks: it answers a second process as it did the first.
    ForgetTheMark,
    /// The installation's quota is not counted.
    QuotaIsIgnored,
    /// A host's heap is not counted.
    HeapIsIgnored,
    /// An application takes what the registry has not written down.
    TakeTheUngranted,
    /// What was lowered is taken again by who has read the registry before.
    TakeAgain,
    /// The registry is lowered and the application is not.
    LowerTheRegistryAlone,
    /// Nobody gives back what he does not use.
    KeepEverything,
    /// A runner starts its job before its hello is answered.
    StartBeforeHello,
    /// A runner starts its job although its hello was refused.
    StartAfterRefusal,
    /// A runner reports its end before its logs are shipped.
    EndBeforeLogs,
    /// Salvage says that it shipped logs and did not.
    SalvageLies,
    /// A runner that hears from nobody goes on.
    OutliveContact,
    /// A host is taken for lost at the first look that hears nothing of it.
    GiveUpAtOnce,
    /// A host is taken for lost although control planes hear its runners.
    DeafToRunners,
    /// It is not written down which credentials a worker was given: on a lost host it is given up as if it had none.
    GiveUpUnfenced,
}

impl Mistake {
    /// All of them.
    pub fn all() -> &'static [Self] {
        Self::value_variants()
    }
}
