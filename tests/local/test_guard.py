"""Which requests may reach the control port: none of a web page, with an unknown key or without a signature."""

import datetime as dt
import http.client
import json
import re
from typing import Any
from urllib.parse import urlencode, urlsplit

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from pocket.local.launcher.guard import Guard


def send(cloud: Any, method: str, target: str, headers: dict[str, str]) -> tuple[int, http.client.HTTPMessage, bytes]:
    connection = http.client.HTTPConnection(urlsplit(cloud.local.endpoint_url).netloc, timeout=30)
    try:
        connection.request(method, target, b"", headers)
        response = connection.getresponse()
        return response.status, response.headers, response.read()
    finally:
        connection.close()


@pytest.fixture(scope="module")
def bucket(cloud: Any) -> str:
    """A bucket whose `static/` anyone may read."""
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="guarded", CreateBucketConfiguration={"LocationConstraint": "ap-northeast-1"})
    s3.put_public_access_block(
        Bucket="guarded",
        PublicAccessBlockConfiguration={"BlockPublicPolicy": False, "RestrictPublicBuckets": False},
    )
    statement = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::guarded/static/*",
    }
    s3.put_bucket_policy(Bucket="guarded", Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    s3.put_object(Bucket="guarded", Key="static/site.css", Body=b"a {}", ContentType="text/css")
    s3.put_object(Bucket="guarded", Key="media/private.png", Body=b"png")
    return "guarded"


FROM_A_PAGE = [{"Origin": "https://attacker.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Mode": "navigate"}]


@pytest.mark.parametrize("headers", FROM_A_PAGE)
@pytest.mark.parametrize("path", ["/", "/2015-03-31/functions", "/_pocket/stop", "/_ministack/reset", "/guarded"])
def test_a_page_reaches_nothing(cloud: Any, bucket: str, headers: dict[str, str], path: str) -> None:
    signed = {"Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/lambda/aws4_request"}
    for method in ("GET", "POST", "PUT", "DELETE", "OPTIONS"):
        status, _, body = send(cloud, method, path, {**headers, **signed, "Content-Type": "text/plain"})
        assert status == 403
        assert b"web pages" in body


def test_a_page_may_show_objects_that_their_policy_or_a_presigned_url_opens(cloud: Any, bucket: str) -> None:
    page = {"Origin": "http://localhost:8001", "Sec-Fetch-Mode": "no-cors"}
    status, headers, body = send(cloud, "GET", "/guarded/static/site.css", page)
    assert (status, headers["content-type"], body) == (200, "text/css", b"a {}")
    assert headers["access-control-allow-origin"] is None
    rule = {"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}
    cloud.client("s3").put_bucket_cors(Bucket="guarded", CORSConfiguration={"CORSRules": [rule]})
    assert send(cloud, "GET", "/guarded/static/site.css", page)[1]["access-control-allow-origin"] == "*"
    assert send(cloud, "GET", "/guarded/media/private.png", page)[0] == 403
    assert send(cloud, "GET", "/guarded/?list-type=2", page)[0] == 403
    assert send(cloud, "PUT", "/guarded/static/site.css", page)[0] == 403


def subscription(cloud: Any) -> str:
    """The ARN of a subscription that a request without a signature could end, were it to reach SNS."""
    topic = cloud.client("sns").create_topic(Name="told")["TopicArn"]
    queue = "arn:aws:sqs:ap-northeast-1:000000000000:told"
    found: str = cloud.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)["SubscriptionArn"]
    return found


@pytest.mark.parametrize("key", ["static/site.css", "static/nothing"])
@pytest.mark.parametrize("headers", [{}, *FROM_A_PAGE])
def test_reading_an_object_does_not_call_another_service(
    cloud: Any, bucket: str, headers: dict[str, str], key: str
) -> None:
    arn = subscription(cloud)
    query = urlencode({"Action": "Unsubscribe", "SubscriptionArn": arn, "Version": "2010-03-31"})
    for spelled in (query, query.replace("Action", "%41ction"), f"x-id=GetObject&{query}"):
        status, _, body = send(cloud, "GET", f"/{bucket}/{key}?{spelled}", headers)
        assert (status, b"Unsubscribe" in body) in [(200, False), (403, False), (404, False)]
    send(cloud, "GET", f"/{bucket}/{key}", {**headers, "X-Amz-Target": "AmazonSSM.DeleteParameter"})
    assert cloud.client("sns").get_subscription_attributes(SubscriptionArn=arn)


def test_a_style_sheets_version_in_its_address_does_no_harm(cloud: Any, bucket: str) -> None:
    page = {"Sec-Fetch-Mode": "no-cors"}
    for query in ("v=3", "v=3&Action=Subscribe", "iefix", "&&", "%zz"):
        assert send(cloud, "GET", f"/{bucket}/static/site.css?{query}", page)[::2] == (200, b"a {}")


@pytest.mark.parametrize("version", ["s3v4", "s3"])
def test_a_page_may_show_an_object_by_its_presigned_url(
    cloud: Any, bucket: str, version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = {"Origin": "http://localhost:8001", "Sec-Fetch-Mode": "no-cors"}
    s3 = boto3.client(
        "s3",
        endpoint_url=cloud.local.endpoint_url,
        region_name="ap-northeast-1",
        aws_access_key_id=cloud.local.access_key_id,
        aws_secret_access_key=cloud.local.secret_access_key,
        config=Config(signature_version=version),
    )
    params = {"Bucket": "guarded", "Key": "media/private.png"}
    target = s3.generate_presigned_url("get_object", params, ExpiresIn=60).removeprefix(cloud.local.endpoint_url)
    assert send(cloud, "GET", target, page)[::2] == (200, b"png")
    assert send(cloud, "GET", target.replace("private", "other"), page)[0] == 403
    assert send(cloud, "GET", re.sub(r"(Signature=)....", r"\g<1>0000", target), page)[0] == 403
    long_ago = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda: long_ago)
    monkeypatch.setattr("botocore.auth.time.time", long_ago.timestamp)
    expired = s3.generate_presigned_url("get_object", params, ExpiresIn=60).removeprefix(cloud.local.endpoint_url)
    assert send(cloud, "GET", expired, page)[0] == 403


@pytest.mark.parametrize("host", ["attacker.example", "127.0.0.1", "localhost:1", "abcdef01.execute-api.localhost"])
def test_another_host_is_refused(cloud: Any, bucket: str, host: str) -> None:
    status, _, body = send(cloud, "GET", "/guarded/static/site.css", {"Host": host})
    assert status == 403
    assert b"its own address" in body


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("PUT", "/new-bucket"),
        ("GET", "/guarded"),
        ("DELETE", "/guarded/static/site.css"),
        ("POST", "/guarded"),
        ("GET", "/v2/_catalog"),
        ("GET", "/latest/meta-data/iam/security-credentials/"),
        ("GET", "/oauth2/authorize"),
        ("GET", "/health"),
    ],
)
def test_an_unsigned_request_is_refused(cloud: Any, bucket: str, method: str, path: str) -> None:
    status, _, body = send(cloud, method, path, {})
    assert status == 403
    assert b"Missing Authentication Token" in body


@pytest.mark.parametrize("path", ["/_ministack/reset", "/_localstack/health", "/_aws/execute-api/x/y", "/_pocket/stop"])
@pytest.mark.parametrize("token", [None, "guess", "é"])
def test_the_emulators_own_paths_need_the_token(cloud: Any, path: str, token: str | None) -> None:
    signed = {"Authorization": "AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/lambda/aws4_request"}
    headers = {**signed, **({"X-Pocket-Token": token} if token else {})}
    assert send(cloud, "POST", path, headers)[0] == 403


@pytest.mark.parametrize("key", ["test", "123456789012", "000000000000", "AKIAIOSFODNN7EXAMPLE"])
def test_well_known_keys_have_no_access(cloud: Any, key: str) -> None:
    session = boto3.Session(key, "test", region_name="us-east-1")
    for service, call in (("sts", "get_caller_identity"), ("lambda", "list_functions"), ("s3", "list_buckets")):
        client = session.client(service, endpoint_url=cloud.local.endpoint_url)
        with pytest.raises(ClientError) as refused:
            getattr(client, call)()
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


def test_our_key_with_another_secret_is_refused(cloud: Any) -> None:
    session = boto3.Session(cloud.local.access_key_id, "wrong", region_name="us-east-1")
    for service, call in (("sts", "get_caller_identity"), ("lambda", "list_functions"), ("s3", "list_buckets")):
        client = session.client(service, endpoint_url=cloud.local.endpoint_url)
        with pytest.raises(ClientError, match=r"SignatureDoesNotMatch|InvalidSignature"):
            getattr(client, call)()


def test_our_key_is_the_accounts_root(cloud: Any) -> None:
    identity = cloud.client("sts").get_caller_identity()
    assert (identity["Account"], identity["Arn"]) == ("000000000000", "arn:aws:iam::000000000000:root")


def test_an_iam_users_policies_hold(cloud: Any) -> None:
    iam = cloud.client("iam")
    iam.create_user(UserName="reader")
    statement = {"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_user_policy(UserName="reader", PolicyName="own", PolicyDocument=policy)
    key = iam.create_access_key(UserName="reader")["AccessKey"]
    session = boto3.Session(key["AccessKeyId"], key["SecretAccessKey"], region_name="us-east-1")
    assert "Buckets" in session.client("s3", endpoint_url=cloud.local.endpoint_url).list_buckets()
    with pytest.raises(ClientError, match="not authorized to perform: lambda:ListFunctions"):
        session.client("lambda", endpoint_url=cloud.local.endpoint_url).list_functions()


@pytest.mark.parametrize("authorization", ["AWS AKIA:signature", "Basic dGVzdDp0ZXN0", "AWS4-ECDSA-P256-SHA256 x"])
def test_other_kinds_of_authorization_are_refused(cloud: Any, bucket: str, authorization: str) -> None:
    status, _, body = send(cloud, "GET", "/guarded/static/site.css", {"Authorization": authorization})
    assert status == 403
    assert b"Signature Version 4" in body


def guard() -> Guard:
    async def unreachable(*_: Any) -> None:
        raise AssertionError

    return Guard(unreachable, 4566, "the token", {"bucket"}.__contains__)


@given(
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"]),
    path=st.text().map(lambda text: f"/{text}"),
    marker=st.sampled_from(["origin", "sec-fetch-site", "sec-fetch-mode", "sec-fetch-dest", "sec-fetch-user"]),
    value=st.text(),
)
def test_a_pages_requests_are_refused_unless_they_read_an_object(
    method: str, path: str, marker: str, value: str
) -> None:
    headers = {
        "host": "127.0.0.1:4566",
        marker: value,
        "x-pocket-token": "the token",
        "authorization": "AWS4-HMAC-SHA256 ",
    }
    reads = method == "GET" and re.fullmatch(r"/+bucket/.+", path, re.DOTALL)
    assert bool(guard().refusal(method, path, "", headers)) == (not reads)


@given(host=st.text())
def test_no_other_host_passes(host: str) -> None:
    headers = {"host": host, "authorization": "AWS4-HMAC-SHA256 Credential=x"}
    assert bool(guard().refusal("GET", "/", "", headers)) == (host not in ("127.0.0.1:4566", "localhost:4566"))
