"""Builds a release, plans it with CloudFormation, publishes it behind gates, and operates what is deployed.

Only this package uses boto3. It never imports Django or the project: code that needs the project's settings runs in the
project's own interpreter, as a child process or inside Lambda. Nothing is changed before the user has confirmed the
plan; `releases.planning` and `releases.rollout` show the order of the steps.

The packages, from the ground; each imports only those before it (`tests/test_imports.py`):

- `target`, `reporting`: where a deploy goes (an AWS account or the local AWS), and the interface through which it
  reports. Every difference between the two places is a field of `Target`.
- `aws`: clients for a target, the account, errors of AWS as errors of Pocket, and invocations of deployed functions.
  It knows no stack and no release.
- `build`: takes a project, a stage and a target; gives an `Artifact`, a zip and the static files beside it, and uploads
  both. It writes only below `.pocket/build/` and to temporary folders, makes the same bytes of the same input, and
  never packs a secret. It changes nothing in AWS before `upload` is called.
- `template`: takes `Inputs`, the stage's configuration and the artifact's key; gives CloudFormation templates, the
  deployer's policy and the permissions boundary. Pure functions over plain data: no network, no clock, no random value,
  since equal inputs must give equal templates. A secret is the value of a parameter and never part of a body.
- `stacks`: brings CloudFormation from the deployed template to a wanted one. It takes a template, gives the plan's rows
  before and the outputs after, and knows who owns a stack, what a change would lose, and who holds the stage's lock. It
  changes or deletes only what Pocket made for the stage, and makes no decisions about releases.
- `gates`: one module for each gate; the module `checks` has the gate `project`, too. `project`, `mail` and `network`
  run beside the build; the others take a candidate, which is published and has no traffic. A gate returns, or raises
  GateRefused with reason and hint. It changes nothing, except that `migrations` migrates the database, and confirms
  with the user where data may be lost.
- `releases`: the order of it all. A release is a published version of each function; the releases and the live one are
  recorded in the deployed template's metadata, so there is no state outside of AWS. A deploy that fails leaves the live
  release as it was; a journal reports what was reached. `domains` looks, before anything changes, at what AWS would
  wait or fail for.
- `operate`: commands on a deployed stage: status, logs, doctor, destroy. They do not change a release.

To add a type of resource:

1. In `config.tables`, the keys that declare it; in `config.rules`, what they require of other keys.
2. In `template`, one function from `Inputs` to resources, called in `document`. Names come from `config.stage` and
   `naming`; what the run time must know goes to `environment`, what other tools must know to `outputs`.
3. In `template.permissions`, the statements for the handlers' roles; `boundary` takes them from there. In
   `template.deployer`, the actions with which CloudFormation creates, changes, tags and deletes the resource.
4. In `template.replacement`, its create-only properties. If it holds data, in `stacks.losses`, what a removal or a
   replacement loses, and in the template its DeletionPolicy.
5. Nothing in `template.steps`: a resource that refers to an alias changes when `live` moves. Any other is created with
   the candidate, and changed or removed once the release is live.
6. Tests: cfn-lint and the AWS double check the template by AWS's own schemas, `test_deployer_permissions` deploys and
   destroys with IAM enforced, `test_steps` checks that no template on the way refers to something missing.
"""
