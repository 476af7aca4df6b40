"""The outputs of the stage's CloudFormation stack, read only where the environment has no hosts."""

from __future__ import annotations

from pocket.errors import AWSCallFailed
from pocket.runtime import aws


def read(stack_name: str, region: str, *, deadline: float = aws.DEADLINE) -> dict[str, str]:
    """The stack's outputs by key; raises AWSCallFailed after `deadline` seconds of retries."""
    wanted = {"StackName": stack_name}
    answer = aws.call_query("cloudformation", "DescribeStacks", "2010-05-15", wanted, region=region, deadline=deadline)
    return parse(answer)


def parse(answer: bytes) -> dict[str, str]:
    """The outputs in DescribeStacks' XML; raises AWSCallFailed for invalid XML and for a document type declaration."""
    from xml.parsers import expat

    found: dict[str, str] = {}
    path: list[str] = []
    fields = {"OutputKey": "", "OutputValue": ""}

    def opened(name: str, _attributes: object) -> None:
        path.append(name)
        if path[-2:] == ["Outputs", "member"]:
            fields.update(OutputKey="", OutputValue="")

    def text(data: str) -> None:
        if path[-3:-1] == ["Outputs", "member"] and path[-1] in fields:
            fields[path[-1]] += data

    def closed(_name: str) -> None:
        if path[-2:] == ["Outputs", "member"] and fields["OutputKey"]:
            found[fields["OutputKey"]] = fields["OutputValue"]
        path.pop()

    def refused(*_declaration: object) -> None:
        raise ValueError("a document type declaration")

    parser = expat.ParserCreate()
    parser.StartElementHandler = opened
    parser.EndElementHandler = closed
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = refused
    try:
        parser.Parse(answer, True)
    except (expat.ExpatError, ValueError) as error:
        raise AWSCallFailed(
            f"cloudformation DescribeStacks: cannot parse the response as XML: {error}.",
            "Check the endpoint in AWS_ENDPOINT_URL, or try again.",
            service="cloudformation",
            operation="DescribeStacks",
            code="UnreadableAnswer",
        ) from None
    return found
