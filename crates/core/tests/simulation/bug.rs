//! Bugs that can be built into the driver or the model, to prove that the checker finds them.
//!
//! Owns the list. Each is one that a driver of `decide` might really have.

/// What is done wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bug {
    /// After a lost reply the write is taken for not done, without a look.
    SkipReadBack,
    /// After a lost reply the write is taken for done, without a look.
    AssumeWritten,
    /// The write goes out before the record that announces it is persisted.
    WriteBeforeIntent,
    /// An account is reported revoked while it keeps its authority.
    NoRevoke,
    /// The fence is reported to hold without having been asked.
    ProofUnasked,
    /// The terminal phase is shown first, its receipt made afterwards.
    ReceiptAfterTerminal,
    /// A receipt is made without a look whether there is one.
    SecondReceipt,
    /// The record is overwritten although somebody else wrote it meanwhile.
    IgnoreLeaseLoss,
    /// Every approval counts for the plan of today.
    AnyDigest,
    /// Approvals never grow old.
    NoExpiry,
    /// The kill switch does not reach the fence.
    DeafFence,
    /// Nobody looks for leftover accounts.
    NoSweep,
    /// An ended Change is taken up again.
    Resurrect,
    /// A waiting Change is never looked at again.
    ForgetRecheck,
}

impl Bug {
    pub(crate) const ALL: [Bug; 14] = [
        Bug::SkipReadBack,
        Bug::AssumeWritten,
        Bug::WriteBeforeIntent,
        Bug::NoRevoke,
        Bug::ProofUnasked,
        Bug::ReceiptAfterTerminal,
        Bug::SecondReceipt,
        Bug::IgnoreLeaseLoss,
        Bug::AnyDigest,
        Bug::NoExpiry,
        Bug::DeafFence,
        Bug::NoSweep,
        Bug::Resurrect,
        Bug::ForgetRecheck,
    ];
}
