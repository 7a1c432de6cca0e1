"""ipycam's own ONVIF service and HTTP handler, run by `.envs/camera`: no video, no discovery over the network.

Arguments: port, user, password.
"""

import sys
from http.server import ThreadingHTTPServer
from types import SimpleNamespace

from ipycam.config import CameraConfig
from ipycam.http import IPCameraHTTPHandler
from ipycam.onvif import ONVIFService

if __name__ == "__main__":
    port, user, password = int(sys.argv[1]), sys.argv[2], sys.argv[3]
    config = CameraConfig(local_ip="127.0.0.1", onvif_port=port, username=user, password=password)
    camera = SimpleNamespace(config=config, onvif=ONVIFService(config))
    handler = type("Handler", (IPCameraHTTPHandler,), {"camera": camera})
    ThreadingHTTPServer(("127.0.0.1", port), handler).serve_forever()
