"""Models of every framework become ONNX and agree with their originals; frames come back as they were."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.ai

SKLEARN = """
import numpy as np, pandas as pd
from sklearn.datasets import make_classification
from sklearn.cluster import DBSCAN, KMeans
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, IsolationForest, RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC, LinearSVC
X, y = make_classification(200, 7, random_state=0)
forest = RandomForestClassifier(10).fit(X, np.where(y, 'yes', 'no'))
hist = HistGradientBoostingClassifier(max_iter=10).fit(X, y)
mlp = MLPClassifier(max_iter=20).fit(X, y)
svc = SVC().fit(X, y)
linear = LinearSVC().fit(X, y)
means = KMeans(3, n_init=2).fit(X)
odd = IsolationForest(n_estimators=10).fit(X)
scaler = StandardScaler().fit(X)
search = GridSearchCV(LogisticRegression(), {'C': [1, 2]}).fit(X, y)
frame = pd.DataFrame({'age': np.arange(200) % 90, 'city': np.array(['a', 'b', 'c'])[np.arange(200) % 3]})
columns = ColumnTransformer([('n', StandardScaler(), ['age']), ('c', OneHotEncoder(), ['city'])])
pipe = make_pipeline(columns, LogisticRegression()).fit(frame, y)
texts = ['good film', 'bad film', 'really good', 'awful thing'] * 5
words = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(texts, [1, 0, 1, 0] * 5)
models = {'ridge': Ridge().fit(X, X @ np.arange(7)), 'note': 'kept as data'}
unfitted = Ridge()
density = DBSCAN().fit(X)
"""


def verified(ended: Any) -> dict[str, Any]:
    """Verified model → largest difference."""
    models = {name.removesuffix(".onnx"): item["metadata"] for name, item in ended.role("model").items()}
    wrong = {name: about["reason"] for name, about in models.items() if not about["verified"]}
    assert wrong == {}
    return {name: about["max_difference"] for name, about in models.items()}


def test_scikit_learn(ai_jobs: Any) -> None:
    ended = ai_jobs.run(SKLEARN)
    assert ended.code == 0, ended.log
    names = "forest hist mlp svc linear means odd scaler search columns pipe words models.ridge"
    assert sorted(verified(ended)) == sorted(names.split())
    assert max(verified(ended).values()) < 1e-4
    assert "not fitted" in ended.unsaved["unfitted"]
    assert "no converter for DBSCAN" in ended.unsaved["density"]
    assert ended.role("model")["forest.onnx"]["metadata"]["sample"]["origin"] == "X"
    inputs = ended.role("model")["pipe.onnx"]["metadata"]["inputs"]
    assert [(one["name"], one["type"]) for one in inputs] == [
        ("age", "tensor(float)"),
        ("city", "tensor(string)"),
    ]


BOOSTERS = """
import numpy as np, xgboost as xgb, lightgbm as lgb
from sklearn.datasets import make_classification
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
X, y = make_classification(200, 7, random_state=0)
y3, real = np.arange(200) % 3, X @ np.arange(7)
xc = xgb.XGBClassifier(n_estimators=5).fit(X, y3)
xr = xgb.XGBRegressor(n_estimators=5).fit(X, real)
xb = xgb.train({'objective': 'binary:logistic'}, xgb.DMatrix(X, y), 5)
lc = lgb.LGBMClassifier(n_estimators=5, verbose=-1).fit(X, y)
lr = lgb.LGBMRegressor(n_estimators=5, verbose=-1).fit(X, real)
lb = lgb.train({'objective': 'binary', 'verbose': -1}, lgb.Dataset(X, y), 5)
px = make_pipeline(StandardScaler(), xgb.XGBClassifier(n_estimators=5)).fit(X, y)
pl = make_pipeline(StandardScaler(), lgb.LGBMRegressor(n_estimators=5, verbose=-1)).fit(X, real)
unfitted = xgb.XGBClassifier()
"""


def test_xgboost_and_lightgbm(ai_jobs: Any) -> None:
    found = ai_jobs.run("import xgboost, lightgbm, onnxmltools", capture=False)
    if found.code:
        pytest.skip("this AI environment holds no XGBoost, LightGBM and onnxmltools")
    ended = ai_jobs.run(BOOSTERS)
    assert ended.code == 0, ended.log
    assert sorted(verified(ended)) == ["lb", "lc", "lr", "pl", "px", "xb", "xc", "xr"]
    assert "not fitted" in ended.unsaved["unfitted"]


KERAS = """
import os
os.environ['KERAS_BACKEND'] = backend
import keras, numpy as np
from keras import layers as L
x_train = np.random.rand(64, 16).astype('float32')
dense = keras.Sequential([keras.Input((16,)), L.Dense(8, 'relu'), L.Dropout(.5), L.BatchNormalization()])
dense.add(L.Dense(1))
dense.compile('sgd', 'mse')
history = dense.fit(x_train, x_train.sum(1), epochs=3, batch_size=8, verbose=2)
def unet():
    i = keras.Input((16, 16, 1))
    a = L.Conv2D(4, 3, padding='same', activation='relu')(i)
    u = L.Conv2DTranspose(4, 2, strides=2)(L.MaxPool2D()(a))
    return keras.Model(i, L.Conv2D(1, 1, activation='sigmoid')(L.Concatenate()([a, u])))
conv = unet()
left, right = keras.Input((5,), name='left'), keras.Input((7,), name='right')
two = keras.Model([left, right], [L.Dense(2)(L.Concatenate()([left, right])), L.Dense(3)(left)])
words = keras.Sequential([keras.Input((10,), dtype='int32'), L.Embedding(50, 8), L.GlobalAveragePooling1D()])
unbuilt = keras.Sequential([L.Dense(3)])
del left, right
"""


@pytest.mark.parametrize("backend", ["tensorflow", "torch", pytest.param("jax", marks=pytest.mark.slow)])
def test_keras(ai_jobs: Any, backend: str) -> None:
    present = ai_jobs.run(f"import {backend}", capture=False)
    if present.code:
        pytest.skip(f"this AI environment holds no {backend}")
    ended = ai_jobs.run(KERAS, parameters={"backend": backend})
    assert ended.code == 0, ended.log
    assert sorted(verified(ended)) == ["conv", "dense", "two", "words"]
    assert max(verified(ended).values()) < 1e-4
    assert "never built" in ended.unsaved["unbuilt"]
    lines = [line for line in ended.progress if "epoch" in line]
    assert (lines[-1]["epoch"], lines[-1]["epochs"], lines[-1]["percent"]) == (3, 3, 100)
    assert "loss" in lines[-1]["metrics"]
    assert len(ended.arrays["history"]["loss"]) == 3


TORCH = """
import torch, torch.nn as nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.c, self.f = nn.Conv2d(1, 4, 3), nn.Linear(4 * 26 * 26, 10)
    def forward(self, x): return self.f(torch.relu(self.c(x)).flatten(1))
net = Net()
def train():
    net(torch.randn(7, 1, 28, 28))
train()
X = torch.randn(50, 10)
from_array = nn.Sequential(nn.Linear(10, 4), nn.Dropout(.5))
given = nn.Linear(77, 2)
given.example_input = torch.randn(1, 77)
class Words(nn.Module):
    def __init__(self):
        super().__init__()
        self.e, self.g = nn.Embedding(100, 8), nn.GRU(8, 6, batch_first=True)
    def forward(self, t): return {'last': self.g(self.e(t))[0][:, -1]}
words = Words()
words(torch.randint(0, 100, (5, 12)))
compiled = torch.compile(nn.Linear(9, 3), backend='eager', fullgraph=True)
compiled(torch.randn(6, 9))
never = nn.Linear(123, 4)
loss = nn.MSELoss()
half = torch.ones(3, dtype=torch.bfloat16)
"""


def test_torch(ai_jobs: Any) -> None:
    present = ai_jobs.run("import torch, onnxscript", capture=False)
    if present.code:
        pytest.skip("this AI environment holds no PyTorch")
    ended = ai_jobs.run(TORCH)
    assert ended.code == 0, ended.log
    assert sorted(verified(ended)) == ["compiled", "from_array", "given", "net", "words"]
    assert max(verified(ended).values()) < 1e-4
    assert all(item["metadata"]["dynamic_batch"] for item in ended.role("model").values())
    assert "example_input" in ended.unsaved["never"]
    assert "loss" in ended.unsaved["loss"]
    assert ended.arrays["half"].tolist() == [1, 1, 1]


FRAMES = """
import numpy as np, pandas as pd
def make():
    frame = pd.DataFrame({
        'n': [1, 2, 3], 'x': [1.5, np.nan, 2.5], 's': ['a', None, 'ü'], 'b': [True, False, True],
        't': pd.to_datetime(['2024-01-01', None, '2024-03-01']),
        'z': pd.to_datetime(['2024-01-01', '2024-02-01', None]).tz_localize('Europe/Berlin'),
        'c': pd.Categorical(['lo', 'hi', None], categories=['lo', 'hi'], ordered=True),
        'i': pd.array([1, None, 3], dtype='Int64'), 4: [0, 0, 0],
    }, index=pd.Index(['r1', 'r2', 'r3'], name='row'))
    index = pd.MultiIndex.from_tuples([(1, 'u'), (2, 'v')], names=['k', 'l'])
    columns = pd.MultiIndex.from_product([['a', 'b'], ['x', 'y']])
    many = pd.DataFrame(np.arange(8).reshape(2, 4), columns=columns, index=index)
    twice = pd.DataFrame([[1, 2]], columns=['a', 'a'])
    return frame, many, twice
"""


def test_data_frames_come_back(ai_jobs: Any) -> None:
    first = ai_jobs.run(
        FRAMES,
        "frame, many, twice = make()\nseries = frame['x']\nempty = pd.DataFrame()\n"
        "periods = pd.DataFrame({'p': pd.period_range('2024', periods=2)})\nfrom scipy import sparse\n"
        "grid = sparse.random(5, 6, density=.3, format='csr', random_state=0)",
    )
    assert first.code == 0, first.log
    assert list(first.unsaved) == ["periods"]
    path = str(first.out / "datasets" / "arrays.h5")
    check = """
from perijove_lab.runner.export import arrays_read
back = arrays_read.read(path)
for name, want in zip(['frame', 'many', 'twice'], make()):
    pd.testing.assert_frame_equal(back[name], want, check_column_type=False)
pd.testing.assert_series_equal(back['series'], make()[0]['x'])
assert back['empty'].shape == (0, 0)
assert back['grid'].shape == (5, 6) and back['grid'].nnz == 9
"""
    second = ai_jobs.run(FRAMES, check, parameters={"path": path}, capture=False)
    assert second.code == 0, second.error["traceback"]


BIG = {
    "keras": """
import keras
big = keras.Sequential([keras.Input((4,), dtype='int32'), keras.layers.Embedding(550_000, 1000)])
big.add(keras.layers.GlobalAveragePooling1D())
""",
    "torch": """
import torch
big = torch.nn.Sequential(torch.nn.Embedding(550_000, 1000), torch.nn.Linear(1000, 2))
big(torch.randint(0, 100, (3, 4)))
""",
}


LARGE = """
import keras
from keras import layers as L
import perijove_lab.runner.export.keras_tensorflow as export
export.LARGE = 0
i = keras.Input((16, 16, 1))
a = L.BatchNormalization()(L.Conv2D(4, 3, padding='same', activation='relu')(i))
conv = keras.Model(i, L.Conv2DTranspose(2, 2, strides=2)(L.MaxPool2D()(a)))
words = keras.Sequential([keras.Input((10,), dtype='int32'), L.Embedding(50, 8), L.LSTM(6), L.Dense(2)])
left, right = keras.Input((5,)), keras.Input((7,))
two = keras.Model([left, right], [L.Dense(2)(L.Concatenate()([left, right])), L.Dense(3)(left)])
class Own(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = L.Dense(4)
    def call(self, x): return self.dense(x) * 2
own = Own()
own(keras.ops.ones((2, 9)))
del i, a, left, right
"""


def test_weights_beside_the_graph(ai_jobs: Any) -> None:
    """The way that models of gigabytes take, with small ones."""
    ended = ai_jobs.run(LARGE)
    assert ended.code == 0, ended.log
    models = verified(ended)
    assert sorted(name for name in models if "." not in name) == ["conv", "own", "two", "words"]
    assert max(models.values()) < 1e-4


@pytest.mark.slow
@pytest.mark.parametrize("framework", BIG)
def test_models_of_gigabytes(ai_jobs: Any, framework: str) -> None:
    ended = ai_jobs.run(BIG[framework])
    assert ended.code == 0, ended.log
    assert ended.unsaved == {}
    models = ended.role("model")
    assert sorted(models) == ["big.onnx", "big.onnx.data"]
    assert {item["collection"] for item in models.values()} == {"big"}
    assert models["big.onnx"]["metadata"]["verified"], models["big.onnx"]["metadata"]["reason"]
    assert (ended.out / "datasets" / "big.onnx.data").stat().st_size > 2_000_000_000
    assert ended.peak < 9_000_000_000
