"""The layers that are held against Keras."""

from tests.layers.keras_pairs import Case

IMAGE = (5, 8, 9, 3)
SEQUENCE = (5, 7, 4)
ROWS = (5, 6)

CASES = {
    "dense": Case(lambda L: L.Dense(3, activation="relu"), ROWS),
    "dense without bias": Case(lambda L: L.Dense(3, use_bias=False), ROWS),
    "dense with penalties": Case(
        lambda L: L.Dense(3, kernel_regularizer="l2", activity_regularizer="l1"), ROWS
    ),
    "dense with constraints": Case(
        lambda L: L.Dense(3, kernel_constraint="max_norm", bias_constraint="non_neg"), ROWS
    ),
    "activity regularization": Case(lambda L: L.ActivityRegularization(l1=0.1, l2=0.2), ROWS),
    "dense on sequences": Case(lambda L: L.Dense(3, activation="tanh"), SEQUENCE),
    "conv1d": Case(lambda L: L.Conv1D(4, 3), SEQUENCE),
    "conv1d same, strides": Case(lambda L: L.Conv1D(4, 3, strides=2, padding="same"), SEQUENCE),
    "conv1d causal, dilation": Case(
        lambda L: L.Conv1D(4, 3, padding="causal", dilation_rate=2), SEQUENCE
    ),
    "conv1d groups": Case(lambda L: L.Conv1D(4, 3, groups=2), SEQUENCE),
    "conv2d": Case(lambda L: L.Conv2D(4, 3, activation="relu"), IMAGE),
    "conv2d same, strides": Case(
        lambda L: L.Conv2D(4, (3, 2), strides=(2, 3), padding="same"), IMAGE
    ),
    "conv2d dilation": Case(lambda L: L.Conv2D(4, 3, dilation_rate=2, padding="same"), IMAGE),
    "conv2d groups": Case(lambda L: L.Conv2D(6, 3, groups=3, use_bias=False), IMAGE),
    "conv2d channels first": Case(
        lambda L: L.Conv2D(4, 3, data_format="channels_first", padding="same"), (5, 3, 8, 9)
    ),
    "depthwise conv1d": Case(lambda L: L.DepthwiseConv1D(3, depth_multiplier=2), SEQUENCE),
    "depthwise conv2d": Case(
        lambda L: L.DepthwiseConv2D(3, depth_multiplier=2, padding="same"), IMAGE
    ),
    "depthwise conv2d, strides": Case(lambda L: L.DepthwiseConv2D(3, strides=2), IMAGE),
    "separable conv1d": Case(lambda L: L.SeparableConv1D(5, 3), SEQUENCE),
    "separable conv2d": Case(
        lambda L: L.SeparableConv2D(5, 3, strides=2, depth_multiplier=2), IMAGE
    ),
    "conv1d transpose": Case(lambda L: L.Conv1DTranspose(3, 3, strides=2), SEQUENCE),
    "conv2d transpose": Case(lambda L: L.Conv2DTranspose(4, 3), IMAGE),
    "conv2d transpose, strides": Case(
        lambda L: L.Conv2DTranspose(4, 3, strides=2, padding="same"), IMAGE
    ),
    "conv2d transpose, wide strides": Case(
        lambda L: L.Conv2DTranspose(4, 2, strides=3, activation="relu"), IMAGE
    ),
    "max pooling 1d": Case(lambda L: L.MaxPooling1D(2), SEQUENCE),
    "max pooling 2d": Case(lambda L: L.MaxPooling2D(2), IMAGE),
    "max pooling 2d, overlapping": Case(
        lambda L: L.MaxPooling2D(3, strides=2, padding="same"), IMAGE
    ),
    "max pooling 2d, channels first": Case(
        lambda L: L.MaxPooling2D(2, data_format="channels_first"), (5, 3, 8, 9)
    ),
    "average pooling 1d": Case(lambda L: L.AveragePooling1D(3, 2, "same"), SEQUENCE),
    "average pooling 2d": Case(lambda L: L.AveragePooling2D((2, 3)), IMAGE),
    "average pooling 2d, same": Case(
        lambda L: L.AveragePooling2D(3, strides=2, padding="same"), (5, 7, 9, 3)
    ),
    "global max pooling 1d": Case(lambda L: L.GlobalMaxPooling1D(), SEQUENCE),
    "global max pooling 2d": Case(lambda L: L.GlobalMaxPooling2D(keepdims=True), IMAGE),
    "global average pooling 1d": Case(lambda L: L.GlobalAveragePooling1D(), SEQUENCE),
    "global average pooling 2d": Case(
        lambda L: L.GlobalAveragePooling2D(data_format="channels_first"), (5, 3, 8, 9)
    ),
    "flatten": Case(lambda L: L.Flatten(), IMAGE),
    "flatten channels first": Case(lambda L: L.Flatten("channels_first"), (5, 3, 8, 9)),
    "reshape": Case(lambda L: L.Reshape((14, -1)), SEQUENCE),
    "permute": Case(lambda L: L.Permute((3, 1, 2)), IMAGE),
    "repeat vector": Case(lambda L: L.RepeatVector(3), ROWS),
    "zero padding 1d": Case(lambda L: L.ZeroPadding1D((1, 2)), SEQUENCE),
    "zero padding 2d": Case(lambda L: L.ZeroPadding2D(((1, 2), (0, 3))), IMAGE),
    "cropping 1d": Case(lambda L: L.Cropping1D((0, 2)), SEQUENCE),
    "cropping 2d": Case(lambda L: L.Cropping2D(((1, 0), (2, 3))), IMAGE),
    "up sampling 1d": Case(lambda L: L.UpSampling1D(3), SEQUENCE),
    "up sampling 2d": Case(lambda L: L.UpSampling2D((2, 3)), IMAGE),
    "batch normalization": Case(lambda L: L.BatchNormalization(), IMAGE, tolerance=1e-4),
    "batch normalization of rows": Case(
        lambda L: L.BatchNormalization(scale=False, momentum=0.9), ROWS, tolerance=1e-4
    ),
    "batch normalization of axis 1": Case(
        lambda L: L.BatchNormalization(axis=1, center=False), (5, 3, 8, 9), tolerance=1e-4
    ),
    "layer normalization": Case(lambda L: L.LayerNormalization(), SEQUENCE, tolerance=1e-4),
    "layer normalization of images": Case(
        lambda L: L.LayerNormalization(axis=(1, 2, 3), center=False), IMAGE, tolerance=1e-4
    ),
    "activation": Case(lambda L: L.Activation("tanh"), ROWS),
    "relu": Case(lambda L: L.ReLU(max_value=1.0, negative_slope=0.1, threshold=0.2), ROWS),
    "leaky relu": Case(lambda L: L.LeakyReLU(0.2), ROWS),
    "elu": Case(lambda L: L.ELU(0.7), ROWS),
    "prelu": Case(lambda L: L.PReLU(shared_axes=[1, 2]), IMAGE),
    "softmax": Case(lambda L: L.Softmax(), SEQUENCE),
    "softmax of axis 1": Case(lambda L: L.Softmax(axis=1), SEQUENCE),
    "rescaling": Case(lambda L: L.Rescaling(0.5, offset=-1.0), IMAGE),
    "identity": Case(lambda L: L.Identity(), ROWS),
    "masking": Case(lambda L: L.Masking(0.0), SEQUENCE),
    "dropout": Case(lambda L: L.Dropout(0.0), ROWS),
    "embedding": Case(lambda L: L.Embedding(11, 4), (5, 7), integers=11),
    "embedding with mask": Case(lambda L: L.Embedding(11, 4, mask_zero=True), (5, 7), integers=11),
    "simple rnn": Case(lambda L: L.SimpleRNN(3), SEQUENCE),
    "simple rnn, sequences": Case(
        lambda L: L.SimpleRNN(3, return_sequences=True, go_backwards=True, activation="relu"),
        SEQUENCE,
    ),
    "lstm": Case(lambda L: L.LSTM(3), SEQUENCE),
    "lstm, sequences": Case(lambda L: L.LSTM(3, return_sequences=True), SEQUENCE),
    "lstm, states": Case(lambda L: L.LSTM(3, return_state=True, use_bias=False), SEQUENCE),
    "lstm, hard gates": Case(
        lambda L: L.LSTM(3, recurrent_activation="hard_sigmoid", go_backwards=True), SEQUENCE
    ),
    "lstm, unrolled": Case(
        lambda L: L.LSTM(3, activation="gelu", return_sequences=True), SEQUENCE, tolerance=1e-4
    ),
    "gru": Case(lambda L: L.GRU(3), SEQUENCE),
    "gru, reset before": Case(
        lambda L: L.GRU(3, reset_after=False, return_sequences=True), SEQUENCE
    ),
    "gru, states": Case(
        lambda L: L.GRU(3, return_state=True, return_sequences=True, go_backwards=True), SEQUENCE
    ),
    "gru, unrolled": Case(lambda L: L.GRU(3, activation="mish"), SEQUENCE, tolerance=1e-4),
    "rnn of stacked cells": Case(
        lambda L: L.RNN([L.LSTMCell(3), L.GRUCell(2), L.SimpleRNNCell(4)], return_sequences=True),
        SEQUENCE,
    ),
    "rnn of a cell": Case(lambda L: L.RNN(L.LSTMCell(3), return_state=True), SEQUENCE),
    "bidirectional": Case(lambda L: L.Bidirectional(L.LSTM(3)), SEQUENCE),
    "bidirectional, sequences": Case(
        lambda L: L.Bidirectional(L.GRU(3, return_sequences=True), merge_mode="sum"), SEQUENCE
    ),
    "bidirectional, both": Case(
        lambda L: L.Bidirectional(
            L.LSTM(3, return_sequences=True, return_state=True), merge_mode=None
        ),
        SEQUENCE,
    ),
    "time distributed dense": Case(lambda L: L.TimeDistributed(L.Dense(3)), SEQUENCE),
    "time distributed conv2d": Case(
        lambda L: L.TimeDistributed(L.Conv2D(4, 3, activation="relu")), (3, 4, 6, 7, 2)
    ),
    "add": Case(lambda L: L.Add(), [ROWS, ROWS, ROWS]),
    "add with broadcasting": Case(lambda L: L.Add(), [SEQUENCE, (5, 1, 4)]),
    "subtract": Case(lambda L: L.Subtract(), [ROWS, ROWS]),
    "multiply": Case(lambda L: L.Multiply(), [SEQUENCE, SEQUENCE]),
    "average": Case(lambda L: L.Average(), [ROWS, ROWS, ROWS]),
    "maximum": Case(lambda L: L.Maximum(), [ROWS, ROWS]),
    "minimum": Case(lambda L: L.Minimum(), [ROWS, ROWS]),
    "concatenate": Case(lambda L: L.Concatenate(), [ROWS, (5, 3)]),
    "concatenate of axis 1": Case(lambda L: L.Concatenate(axis=1), [SEQUENCE, (5, 2, 4)]),
}
