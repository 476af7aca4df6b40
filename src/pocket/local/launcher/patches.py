"""Replaces parts of MiniStack, after a check that they exist.

Each removes one difference from AWS that was measured on the pinned version; `docs/explanation/local-aws.md`
lists them.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from contextvars import ContextVar
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from pocket.local.launcher import authorization, deliveries, edge, environments, sent_mail, state, timezones
from pocket.local.launcher.emulator import module
from pocket.local.launcher.execution import PAYLOAD_LIMIT, InvocationFailed, Runtime, Worker
from pocket.local.launcher.http_events import (
    correct_function_url_event,
    correct_http_api_event,
    correct_rest_event,
    is_http_api_event,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pocket.local.launcher.unpacked import Packages

MINISTACK_VERSION = "1.5.33"

REQUIRED = {
    "app": ("app", "AUTH", "pin_request_origin", "save_all", "_build_persistence_save_dict"),
    "core.iam_actions": ("extract_resource_arn", "identity_denial_message"),
    "core.iam_evaluator": ("enforce", "is_root_access_key", "pin_request_origin", "resolve_credential"),
    "core.persistence": ("STATE_DIR", "_json_default", "_state_format_version"),
    "core.lambda_runtime": ("Worker", "acquire_worker", "release_worker", "kill_workers", "_workers", "_lock"),
    "services.lambda_svc": (
        "CODE_BLOB_DIR",
        "_BLOB_REF_KEY",
        "_build_function_url_event",
        "_ensure_reaper_thread",
        "_execute_function_warm",
        "_execute_function_with_config_scope",
        "_execution_record_for_config",
        "_externalize_code_zip",
        "_fetch_code_from_s3",
        "_functions",
        "_get_func_record_for_ref",
        "_prune_orphan_code_blobs",
        "invoke_async_with_retry",
        "lambda_execute_result_to_api_proxy_response",
        "_unzipped_size",
        "reap_idle_workers",
        "resolve_function_url",
    ),
    "services.cloudformation.changesets": ("_deploy_stack_async", "_resolve_props_for_diff"),
    "services.cloudformation.provisioners": (
        "_RESOURCE_HANDLERS",
        "_STACK_TAG_PROPERTY",
        "_s3_apply_configurations",
        "_tag_map",
        "s3_bucket_name_conflict",
    ),
    "services.apigateway": ("_handle_execute_in_scope", "_apis", "_match_route", "find_api_scope", "run_reentrant"),
    "services.apigateway_v1": (
        "_base_path_mappings",
        "_build_lambda_event_v1",
        "_lambda_proxy_response",
        "find_api_scope",
        "find_domain_scope",
        "run_reentrant",
        "stages_for_api",
    ),
    "services.cloudfront": (
        "_dist_config_el",
        "_distributions",
        "_fetch_from_origin",
        "_key_groups",
        "_kg_id",
        "_local_tag_name",
        "_match_behavior",
        "_multidict_from_pairs",
        "_now_iso",
        "_origin_request_headers",
        "_pk_id",
        "_public_keys",
        "_run_function",
        "_text",
        "handle_viewer_request",
        "live_function_code",
        "new_uuid",
        "parse_distribution_dataplane_config",
    ),
    "services.eventbridge": ("_cron_next_fire", "_dispatch_to_lambda", "_parse_cron_fields"),
    "services.s3": ("_bucket_owner_account", "_bucket_tags", "_deliver_event_to_lambda"),
    "services.scheduler": ("_at_time_epoch", "_schedules", "_tick_schedules"),
    "services.ses": ("_message_rejection", "_sent_emails", "_sent_emails_list"),
    "services.ses_v2": ("_message_rejection", "handle_request"),
    "services.sns": ("_deliver_to_lambda",),
    "services.sts": ("is_root_access_key", "register_session"),
}


class Incompatible(Exception):
    """The installed MiniStack is not the one that the replacements were written for."""


def require_version() -> None:
    """Raise Incompatible unless the pinned version is installed, before any of it is imported."""
    found = version("ministack")
    if found != MINISTACK_VERSION:
        raise Incompatible(f"MiniStack {found} is installed; the launcher is written for {MINISTACK_VERSION}")


def require_attributes() -> None:
    """Raise Incompatible unless everything that is replaced or called exists, with the names of all that do not."""
    missing = [
        f"ministack.{name}.{attribute}"
        for name, attributes in REQUIRED.items()
        for attribute in attributes
        if not hasattr(module(name), attribute)
    ]
    if missing:
        raise Incompatible(f"MiniStack {version('ministack')} lacks {', '.join(missing)}")


def install(runtime: Runtime) -> None:
    """Replace what differs from AWS; before the first request."""
    require_attributes()
    authorization.install()
    state.install()
    replace_root_keys()
    replace_transport()
    replace_execution(runtime)
    replace_gateway()
    replace_comparison()
    replace_buckets()
    replace_rest_gateway()
    deliveries.install()
    timezones.install()
    edge.install()
    sent_mail.install()


def replace_root_keys() -> None:
    """MiniStack accepts `test` and every number of 12 digits as the account's root, with any secret.

    Here no key is: ours is a session of the root user, whose signature is checked like any other's.
    """

    def is_root_access_key(access_key_id: str) -> bool:
        return not access_key_id

    module("core.iam_evaluator").is_root_access_key = is_root_access_key
    module("services.sts").is_root_access_key = is_root_access_key


def replace_transport() -> None:
    """Requests to AWS use TLS, and here loopback: make policies that require TLS allow them."""
    pin = module("core.iam_evaluator").pin_request_origin

    def pin_request_origin(source_ip: str, _secure_transport: bool) -> None:
        pin(source_ip, True)

    module("app").pin_request_origin = pin_request_origin


def register_root(access_key_id: str, secret_access_key: str, account: str) -> None:
    """Make the pair the account's root user."""
    session = {
        "Arn": f"arn:aws:iam::{account}:root",
        "UserId": account,
        "AccountId": account,
        "PrincipalType": "Root",
        "SecretAccessKey": secret_access_key,
    }
    module("services.sts").register_session(access_key_id, session)


def role_credentials(key: bytes) -> Callable[[dict[str, Any]], dict[str, str]]:
    """Makes the variables of a function's temporary credentials; `key` keeps them from being guessed."""

    def derive(purpose: str, config: dict[str, Any]) -> str:
        subject = f"{purpose}:{config['FunctionArn']}:{config.get('Role', '')}"
        return hmac.new(key, subject.encode(), hashlib.sha256).hexdigest()

    def credentials(config: dict[str, Any]) -> dict[str, str]:
        access_key_id = f"ASIA{derive('id', config)[:16].upper()}"
        secret, token = derive("secret", config), derive("token", config)
        account, role = config["FunctionArn"].split(":")[4], config.get("Role", "").rsplit("/", 1)[-1]
        session = {
            "Arn": f"arn:aws:sts::{account}:assumed-role/{role}/{config['FunctionName'][:64]}",
            "UserId": f"{role}:{config['FunctionName'][:64]}",
            "SecretAccessKey": secret,
            "SessionToken": token,
        }
        module("services.sts").register_session(access_key_id, session)
        return {"AWS_ACCESS_KEY_ID": access_key_id, "AWS_SECRET_ACCESS_KEY": secret, "AWS_SESSION_TOKEN": token}

    return credentials


def replace_execution(runtime: Runtime) -> None:
    """Run functions in our workers, which report how they failed and have a timeout."""
    pool, functions = module("core.lambda_runtime"), module("services.lambda_svc")
    Worker.runtime = runtime
    pool.Worker = Worker
    pool.kill_workers = environments.end
    functions.reap_idle_workers = environments.end_idle

    def execute(function: dict[str, Any], event: Any, request_id: str) -> dict[str, Any]:
        config = function.get("config") or function
        try:
            refuse_unsupported(function, config)
        except InvocationFailed as failed:
            return {"body": {**failed.payload, "requestId": request_id}, "error": True, "log": str(failed)}
        functions._ensure_reaper_thread()
        name, qualifier = config["FunctionName"], config.get("Version", "$LATEST")
        with environments.settled:
            worker, _ = pool.acquire_worker(name, config, function["code_zip"], qualifier=qualifier)
        try:
            record: dict[str, Any] = worker.invoke(event, request_id)
            return record
        finally:
            pool.release_worker(worker)

    functions._execute_function_warm = execute
    share_code(runtime.packages.packages)


def share_code(packages: Packages) -> None:
    """Let functions with the same package share its bytes, and read its table of contents once.

    MiniStack reads and examines the package for each function of a stack, which takes as long as the rest of an update.
    Meanwhile the package is unpacked, which the first invocation would wait for.
    """
    functions = module("services.lambda_svc")
    fetch, measure = functions._fetch_code_from_s3, functions._unzipped_size
    newest: list[tuple[bytes, int | None]] = [(b"", None)]

    def fetch_code(*arguments: Any, **options: Any) -> bytes | None:
        found: bytes | None = fetch(*arguments, **options)
        known, _ = newest[0]
        if found is None or found == known:
            return None if found is None else known
        newest[0] = found, None
        threading.Thread(target=packages.prepare, args=(found,), daemon=True, name="unpacking").start()
        return found

    def unzipped_size(package: bytes | None) -> int:
        known, size = newest[0]
        if package is None or package is not known:
            return int(measure(package))
        if size is None:
            size = int(measure(package))
            newest[0] = known, size
        return size

    functions._fetch_code_from_s3 = fetch_code
    functions._unzipped_size = unzipped_size


def refuse_unsupported(function: dict[str, Any], config: dict[str, Any]) -> None:
    """Raise InvocationFailed for what would silently run differently than on AWS."""
    if not function.get("code_zip"):
        message, kind = "The function has no code: its object was missing when it was created.", "Runtime.NoCode"
        raise InvocationFailed({"errorMessage": message, "errorType": kind})
    if config.get("Layers"):
        message = "The local AWS does not support layers. Put their content into the function's package."
        raise InvocationFailed({"errorMessage": message, "errorType": "Runtime.LayersUnsupported"})


def refused(status: int, message: str) -> dict[str, Any]:
    """MiniStack's record of an invocation that answers as the gateway itself does."""
    body = json.dumps({"message": message}, separators=(",", ":"))
    return {"body": {"statusCode": status, "headers": {"Content-Type": "application/json"}, "body": body}}


def replace_gateway() -> None:
    """Make OPTIONS reach the function, events have what AWS's have, and a crash not reach the page."""
    gateway, functions = module("services.apigateway"), module("services.lambda_svc")
    handle, match, run = gateway._handle_execute_in_scope, gateway._match_route, gateway.run_reentrant
    build_url_event = functions._build_function_url_event
    to_response = functions.lambda_execute_result_to_api_proxy_response

    async def handle_execute(api_id: str, stage: str, path: str, method: str, *rest: Any) -> Any:
        # MiniStack compares with "OPTIONS" to answer preflights itself; without a CORS configuration AWS does not.
        if method == "OPTIONS" and not (gateway._apis.get(api_id) or {}).get("corsConfiguration"):
            method = "options"
        return await handle(api_id, stage, path, method, *rest)

    def match_route(api_id: str, method: str, path: str) -> Any:
        return match(api_id, method.upper(), path)

    async def run_reentrant(function: Any, *arguments: Any, **options: Any) -> Any:
        if function is not functions._execute_function_with_config_scope or not is_http_api_event(arguments[1]):
            return await run(function, *arguments, **options)
        record, event = arguments
        if len(event.get("body") or "") > PAYLOAD_LIMIT:
            return refused(413, "Request Entity Too Large")
        result = await run(function, record, correct_http_api_event(event), **options)
        return refused(500, "Internal Server Error") if result.get("error") else result

    def build_function_url_event(*arguments: Any, **options: Any) -> Any:
        return correct_function_url_event(build_url_event(*arguments, **options))

    def to_proxy_response(result: dict[str, Any]) -> Any:
        return to_response(refused(502, "Internal Server Error") if result.get("error") else result)

    gateway._handle_execute_in_scope = handle_execute
    gateway._match_route = match_route
    gateway.run_reentrant = run_reentrant
    functions._build_function_url_event = build_function_url_event
    functions.lambda_execute_result_to_api_proxy_response = to_proxy_response


def replace_rest_gateway() -> None:
    """Make events of REST APIs have what AWS's have, and neither a large response nor a crash reach the page."""
    rest = module("services.apigateway_v1")
    build_event, run, to_response = rest._build_lambda_event_v1, rest.run_reentrant, rest._lambda_proxy_response

    def build_lambda_event(*arguments: Any, **options: Any) -> Any:
        return correct_rest_event(build_event(*arguments, **options))

    async def run_reentrant(function: Any, *arguments: Any, **options: Any) -> Any:
        if len(arguments) > 1 and len(arguments[1].get("body") or "") > PAYLOAD_LIMIT:
            return refused(413, "Request Too Long")
        return await run(function, *arguments, **options)

    def to_proxy_response(result: dict[str, Any]) -> Any:
        return to_response(refused(502, "Internal server error") if result.get("error") else result)

    rest._build_lambda_event_v1 = build_lambda_event
    rest.run_reentrant = run_reentrant
    rest._lambda_proxy_response = to_proxy_response


def replace_comparison() -> None:
    """A change set sees an attribute of another resource: MiniStack compares every Fn::GetAtt as equal.

    An alias that moves to another version would be no change at all.
    """
    change_sets = module("services.cloudformation.changesets")
    resolve = change_sets._resolve_props_for_diff

    def resolve_with_attributes(template: dict[str, Any], *rest: Any) -> dict[str, Any]:
        found: dict[str, Any] = resolve(template, *rest)
        for name, resource in found.get("Resources", {}).items():
            properties = resource.get("Properties")
            for key, value in (template["Resources"][name].get("Properties") or {}).items():
                if isinstance(properties, dict) and (attributes := list(attributes_of(value))):
                    properties[key] = [properties.get(key), *attributes]
        return found

    change_sets._resolve_props_for_diff = resolve_with_attributes


ADOPTED: ContextVar[frozenset[str]] = ContextVar("ADOPTED", default=frozenset())
"""The names of the resources that the change set being executed imports into its stack."""


def replace_buckets() -> None:
    """Let a change set import a bucket into its stack, and give a bucket its stack's tags.

    MiniStack plans the first and then reports that the name is in use; only for buckets it leaves out the tags.
    """
    change_sets = module("services.cloudformation.changesets")
    provisioners, s3 = module("services.cloudformation.provisioners"), module("services.s3")
    deploy, conflict = change_sets._deploy_stack_async, provisioners.s3_bucket_name_conflict
    apply = provisioners._s3_apply_configurations

    async def deploy_stack(*arguments: Any, imports: dict[str, dict[str, str]] | None = None, **options: Any) -> Any:
        ADOPTED.set(frozenset(name for found in (imports or {}).values() for name in found.values()))
        return await deploy(*arguments, imports=imports, **options)

    def apply_configurations(name: str, properties: dict[str, Any], *before: Any) -> None:
        apply(name, properties, *before)
        s3._bucket_tags[name] = provisioners._tag_map(properties.get("Tags"))

    change_sets._deploy_stack_async = deploy_stack
    provisioners.s3_bucket_name_conflict = lambda name: None if name in ADOPTED.get() else conflict(name)
    provisioners._s3_apply_configurations = apply_configurations
    provisioners._STACK_TAG_PROPERTY["AWS::S3::Bucket"] = ("Tags", "list")


def attributes_of(value: Any) -> Iterator[str]:
    """Every Fn::GetAtt in a property's value, as text."""
    if isinstance(value, dict):
        if "Fn::GetAtt" in value:
            yield json.dumps(value["Fn::GetAtt"])
        for inner in value.values():
            yield from attributes_of(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from attributes_of(inner)
