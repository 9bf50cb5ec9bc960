"""What every list and every service that asks over REST can rely on."""

import jwt

from tests.world import World


async def test_lists_link_to_what_follows(world: World) -> None:
    chats = {await world.chat(["dan"], name=f"List {number}") for number in range(203)}
    first = await world.rest("dan", "GET", "/api/chats?q=List")
    assert (len(first.body["chats"]), first.headers["Link"].endswith('>; rel="next"')) == (200, True)
    following = first.headers["Link"].split(">")[0].removeprefix(f"<{world.server.url}")
    second = await world.rest("dan", "GET", following)
    assert "Link" not in second.headers
    assert {chat["id"] for chat in first.body["chats"] + second.body["chats"]} == chats


async def test_another_service_can_check_our_tokens(world: World) -> None:
    token = await world.token("ada")
    (key,) = (await world.rest(None, "GET", "/api/auth/jwks.json")).body["keys"]
    assert jwt.get_unverified_header(token)["kid"] == key["kid"]
    claims = jwt.decode(token, jwt.PyJWK(key).key, algorithms=["EdDSA"], audience="chatsite", issuer="chatsite")
    assert claims["sub"] == await world.id("ada")
