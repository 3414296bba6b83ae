"""Run the simulator by itself: ``python -m relay.plugins.channels.simulator --port 9100``."""

import argparse
import asyncio
import contextlib

from relay.plugins.channels.simulator import SimulatorConfig, server_of


async def serve(port: int, config: SimulatorConfig) -> None:
    """Answer until the process is stopped."""
    async with server_of(config).running(port) as server:
        print(f"simulator on {server.url}", flush=True)
        await asyncio.Event().wait()


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(
        prog="python -m relay.plugins.channels.simulator", description="A simulated upstream."
    )
    parser.add_argument("--port", type=int, default=9100, help="port on the loopback; 0 takes a free one")
    parser.add_argument("--behaviour", help="what every answer does wrong")
    parser.add_argument("--first-ms", type=int, default=0, help="wait before an answer")
    parser.add_argument("--pace-ms", type=int, default=0, help="wait between two events of a stream")
    parser.add_argument("--chunk-count", type=int, help="text pieces of an answer")
    given = vars(parser.parse_args())
    port = given.pop("port")
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(port, SimulatorConfig(**given)))


if __name__ == "__main__":
    main()
