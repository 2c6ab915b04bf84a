"""Forecasts of many series: regular numbers in, point forecasts, intervals and their own backtest out. No I/O.

Every series is forecast by the model that was best on its own past (rolling origin), if that model beats what anybody
can do without one: repeat the last value, or the same hour of yesterday or of last week. Else that naive forecast is
what is shown, and the result says so.
"""
