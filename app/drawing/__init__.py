"""From frames to figures: HoloViews elements, drawn by Bokeh on the page and by Matplotlib on paper."""
