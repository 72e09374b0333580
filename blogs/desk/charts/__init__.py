"""Charts of our own numbers for the desk's pages: drawn here as SVG, readable as a table, without a library or a script."""

from blogs.desk.charts.chart import Chart, Series, Times
from blogs.desk.charts.sparkline import sparkline

__all__ = ["Chart", "Series", "Times", "sparkline"]
