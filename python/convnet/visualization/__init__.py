"""Pictures of a training and of a model; they need matplotlib, which is imported when used."""

from convnet.visualization.curves import plot_history
from convnet.visualization.filters import show_filters
from convnet.visualization.mistakes import show_wrong
from convnet.visualization.report import training_report

__all__ = ["plot_history", "show_filters", "show_wrong", "training_report"]
