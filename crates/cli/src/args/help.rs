//! Examples and notes under `--help`.
//!
//! Owns their texts. Must never show a flag that does not exist: a test parses every example. No IO.

/// Under `bailiwick --help`.
pub const TOP: &str = "\
Exit codes:
  0  done, or nothing to report
  1  a finding, a difference, or not found
  2  wrong usage, or an error
  3  refused by policy
  4  waits for an approval
  5  escalated to people
  130, 143  ended by SIGINT, SIGTERM

Examples:
  bailiwick diagnose -A
  bailiwick check
  bailiwick install
  bailiwick changes -A -w
  bailiwick show web-imagenotfound-1a2b3c4d -n shop
  bailiwick approve quota-7c1d -n shop --reason 'the quota is a leftover'";

/// Under `check`.
pub const CHECK: &str = "\
Each line says what was looked at and what was seen; what could not be proved from here is said to
be unproved, not passed over. Exit code 0 if nothing is wrong, 1 if something is.

Examples:
  bailiwick check
  bailiwick check --wait --timeout 2m
  bailiwick check -o json";

/// Under `install`.
pub const INSTALL: &str = "\
Order: permissions are looked at first, so that nothing is left half done; then namespaces, the key,
kinds, policies (which must be in force before anything else follows), roles, operator. Run again it
repairs and upgrades: objects are put back as this version has them, and the key stays.

Examples:
  bailiwick install
  bailiwick install --territory team=payments
  bailiwick install --dry-run=server
  bailiwick install --export > bailiwick.yaml
  bailiwick install --key-only";

/// Under `uninstall`.
pub const UNINSTALL: &str = "\
Everything is suspended first and live grants are waited for, 30 seconds at most; then the operator,
its rights, policies, kinds and namespaces go. Receipts, changes and incidents go with their kinds
unless --keep-data is given; then they stay, with the signing key and the policies that guard them,
and installing again goes on with them.

Examples:
  bailiwick uninstall
  bailiwick uninstall --keep-data --yes";

/// Under `status`.
pub const STATUS: &str = "\
Examples:
  bailiwick status
  bailiwick status -o json";

/// Under `diagnose`.
pub const DIAGNOSE: &str = "\
Reads with your own permissions and changes nothing. Kinds that you may not read are listed, and
nothing is concluded from their absence. Exit code 0 if nothing is wrong, 1 if something is.

Examples:
  bailiwick diagnose -A
  bailiwick diagnose -n shop -o wide
  bailiwick diagnose -A -o json | jq '.[].cause'";

/// Under `incidents`.
pub const INCIDENTS: &str = "\
Examples:
  bailiwick incidents -A
  bailiwick incidents -n shop -w
  bailiwick incidents -A --open -o wide
  bailiwick incidents web-imagenotfound-1a2b3c4d -o yaml";

/// Under `changes`.
pub const CHANGES: &str = "\
Examples:
  bailiwick changes -A
  bailiwick changes -n shop -w
  bailiwick changes -A --phase AwaitingApproval -o name
  bailiwick changes web-imagenotfound-1a2b3c4d -o yaml";

/// Under `show`.
pub const SHOW: &str = "\
NAME is that of a change or an incident; `change/NAME` or `incident/NAME` say which. With -w it
waits until the change has ended and exits as it ended: 0 recovered, 3 refused, 5 otherwise.

Examples:
  bailiwick show web-imagenotfound-1a2b3c4d -n shop
  bailiwick show incident/web-imagenotfound-1a2b3c4d -A
  bailiwick show quota-7c1d -n shop -w";

/// Under `diff`.
pub const DIFF: &str = "\
Exit code 1 if there is a difference, as `kubectl diff` has it; 0 if there is none.

Examples:
  bailiwick diff quota-7c1d -n shop
  bailiwick diff quota-7c1d -n shop -o json";

/// Under `approve`.
pub const APPROVE: &str = "\
The approval is for the digest that is shown and for nothing else: if the plan changes, it no longer
counts. The API server proves who you are; a proposer's own approval does not count.

Examples:
  bailiwick approve quota-7c1d -n shop
  bailiwick approve quota-7c1d -n shop --reason 'the quota is a leftover' --wait
  bailiwick approve quota-7c1d -n shop --yes --digest 3f9a…";

/// Under `reject`.
pub const REJECT: &str = "\
One no is enough, whatever approvals there are.

Examples:
  bailiwick reject quota-7c1d -n shop --reason 'we need that quota'";

/// Under `undo`.
pub const UNDO: &str = "\
The way back is a change of its own: planned, decided and signed like any other.

Examples:
  bailiwick undo quota-7c1d -n shop
  bailiwick undo quota-7c1d -n shop --dry-run=server
  bailiwick undo quota-7c1d -n shop --yes --wait";

/// Under `propose`.
pub const PROPOSE: &str = "\
A value that a person gives is never pre-approved; one from the revision history may be. Values:
  RolloutUndo         revision=N (default: the revision before the current one)
  SetImage            container=NAME image=REF, or container=NAME revision=N
  RolloutRestart      none
  DeletePod           none
  Scale               replicas=N
  SetResources        container=NAME limits.memory=Q requests.cpu=Q …, or container=NAME revision=N
  DeleteResourceQuota none
  RestoreObject       copy=CHANGE
  PatchService        selector=KEY=VALUE,…, port=N targetPort=PORT, internalTrafficPolicy=Cluster
  SetProbe            container=NAME probe=readiness, and path=/healthz port=PORT …, or revision=N
  SetEnv              container=NAME variable=NAME revision=N
  SetScheduling       part=nodeSelector|affinity|tolerations revision=N
  SetVolumeRef        volume=NAME revision=N
  SetStrategy         maxSurge=AMOUNT maxUnavailable=AMOUNT
  SuspendCronJob      none
  ResumeCronJob       none
  PatchIngress        class=NAME, and host=HOST path=PATH service=NAME port=PORT
  PatchHPA            minReplicas=N maxReplicas=N target=NAME
  Cordon              none
  Uncordon            none

Examples:
  bailiwick propose RolloutUndo deployment/web -n shop
  bailiwick propose SetImage deploy/web -n shop --set container=app --set image=REGISTRY/web:1.4.2
  bailiwick propose SetResources deploy/web -n shop --set container=app --set limits.memory=256Mi
  bailiwick propose DeleteResourceQuota quota/team -n shop --reason 'a leftover' --dry-run=server";

/// Under `suspend`.
pub const SUSPEND: &str = "\
The API server refuses every one-shot account from the moment this returns, also if the operator is
dead. Nothing resumes by itself.

Examples:
  bailiwick suspend --reason 'we are migrating'";

/// Under `resume`.
pub const RESUME: &str = "\
Examples:
  bailiwick resume --reason 'the migration is done'";

/// Under `mandate`.
pub const MANDATE: &str = "\
Examples:
  bailiwick mandate list
  bailiwick mandate explain operator SetImage deployment/web -n shop
  bailiwick mandate explain ann@example.com Scale deploy/web -n shop --set replicas=5";

/// Under `mandate list`.
pub const MANDATES: &str = "\
Examples:
  bailiwick mandate list
  bailiwick mandate list -o json";

/// Under `mandate explain`.
pub const EXPLAIN: &str = "\
Exit code 0 if it is pre-approved, 4 if it needs approval, 3 if it is refused.

Examples:
  bailiwick mandate explain operator SetImage deployment/web -n shop
  bailiwick mandate explain operator RolloutUndo deploy/web -n shop -o json
  bailiwick mandate explain ann@example.com Scale deploy/web -n shop --set replicas=5";

/// Under `receipts`.
pub const RECEIPTS: &str = "\
Examples:
  bailiwick receipts list
  bailiwick receipts export -f receipts.jsonl
  bailiwick receipts verify receipts.jsonl --key receipts.pub";

/// Under `receipts list`.
pub const RECEIPT_LIST: &str = "\
Examples:
  bailiwick receipts list -o wide
  bailiwick receipts list -l bailiwick.dev/change-uid=UID -o json";

/// Under `receipts export`.
pub const EXPORT: &str = "\
The file holds one signed envelope per line and ends in a checkpoint that the operator signed.

Examples:
  bailiwick receipts export -f receipts.jsonl
  bailiwick receipts export > receipts.jsonl";

/// Under `receipts verify`.
pub const VERIFY: &str = "\
Works offline. Every fault is named with its line: a flipped byte, a missing, reordered or removed
receipt. A log that was cut short together with an older checkpoint is found only with
--expect-head. Exit code 0 if the log is sound, 1 if it is not.

Examples:
  bailiwick receipts verify receipts.jsonl --key receipts.pub
  bailiwick receipts verify receipts.jsonl --key receipts.pub --expect-head 41
  bailiwick receipts export | bailiwick receipts verify - --key receipts.pub";

/// Under `support-bundle`.
pub const SUPPORT_BUNDLE: &str = "\
Holds versions, what `check` and `diagnose` find, mandates, incidents, changes, approvals, what
receipts say, the operator's objects, logs and metrics, the fence, the product's roles, events, and
a summary of nodes and pods. No Secret is asked for and no ConfigMap; values of variables, words
behind telling flags, foreign annotations, patches and whatever looks like a credential are masked.
Names stay. `manifest.json` lists each file with its digest, and what is not there and why. Reads
with your own permissions, and changes nothing. Exit code 0 if all is in it, 1 if something is not.

Examples:
  bailiwick support-bundle
  bailiwick support-bundle -f bundle.tar.gz --since 2h
  bailiwick support-bundle -n shop --output-dir ./bundle -o json";

/// Under `demo`.
pub const DEMO: &str = "\
Breaks workloads of its own in namespaces of its own, and looks at everything it says. Exit code 0
if all was as expected, 1 if anything differed. Interrupted, it takes away what it made before it
ends. `cargo xtask demo` brings a cluster for it.

Examples:
  bailiwick demo --image REGISTRY/workload:1.0.0 --other-image REGISTRY/workload:1.1.0
  bailiwick demo --image … --other-image … --only authority,quota --prefix demo-
  bailiwick demo --print-mandate";

/// Under `explain-code`.
pub const EXPLAIN_CODE: &str = "\
Examples:
  bailiwick explain-code OutsideTerritory
  bailiwick explain-code";

/// Under `version`.
pub const VERSION: &str = "\
Examples:
  bailiwick version
  bailiwick version --client";

/// Under `completion`.
pub const COMPLETION: &str = "\
Names of changes, incidents, contexts and namespaces are completed from the cluster. For
`kubectl bailiwick`, link this program as kubectl-bailiwick and kubectl_complete-bailiwick on PATH.

Examples:
  bailiwick completion bash > /etc/bash_completion.d/bailiwick
  bailiwick completion zsh > \"${fpath[1]}/_bailiwick\"
  bailiwick completion fish > ~/.config/fish/completions/bailiwick.fish";
