"""PyTorch's candidate of bench/train.mjs: the same networks on the CPU, two threads, channels last.

Arguments: the network. Says "ready" after its warm-up; each line on stdin is a number of seconds to train for and
answered by a line of JSON.
"""

import json
import sys
import time

import torch
from torch import nn

torch.set_num_threads(2)
network = sys.argv[1]


def small_cnn() -> nn.Module:
    layers: list[nn.Module] = []
    channels = 3
    for filters in (32, 64, 128):
        layers += [nn.Conv2d(channels, filters, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
        channels = filters
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(8 * 8 * 128, 10))


if network == "small-cnn":
    model, batch, size = small_cnn(), 32, 64
    optimizer = torch.optim.Adam(model.parameters(), 1e-4)
else:
    import torchvision

    model, batch, size = torchvision.models.resnet18(num_classes=1000), 16, 224
    optimizer = torch.optim.SGD(model.parameters(), 1e-4, momentum=0.9)

model = model.to(memory_format=torch.channels_last)
images = torch.rand(batch, 3, size, size).contiguous(memory_format=torch.channels_last)
labels = torch.arange(batch) % 10
loss_of = nn.CrossEntropyLoss()


def step() -> None:
    optimizer.zero_grad()
    loss = loss_of(model(images), labels)
    loss.backward()
    optimizer.step()
    loss.item()


def train_for(seconds: float) -> dict[str, float]:
    steps = 0
    cpu = time.process_time()
    start = time.perf_counter()
    while steps == 0 or time.perf_counter() - start < seconds:
        step()
        steps += 1
    ms = (time.perf_counter() - start) * 1000
    return {"images": steps * batch, "ms": ms, "cpuMs": (time.process_time() - cpu) * 1000}


step()
train_for(0.5)
print("ready", flush=True)
for line in sys.stdin:
    print(json.dumps(train_for(float(line))), flush=True)
