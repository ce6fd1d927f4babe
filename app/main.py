"""What `panel serve app/main.py` serves: the same app as `anisoscope serve`."""

from anisoscope.app.pages import main_page
from anisoscope.app.server import prepare

prepare()
main_page().servable()
