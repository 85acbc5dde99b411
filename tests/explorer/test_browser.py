"""The page in a browser, used with mouse and keyboard and at the width of a phone. The page makes no requests."""

import json

import numpy as np
import pytest
from selenium.common.exceptions import StaleElementReferenceException as Stale
from selenium.webdriver import ActionChains, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait
from support.explorer_models import HOSTILE, made_model
from support.screens import fits, screen

from wordsparse.explorer import explore
from wordsparse.vectors.compact import CompactRows


class Page:
    """The page in the browser: tests find its elements by the text that people see."""

    def __init__(self, browser, file):
        self.browser, self.file = browser, file

    def open(self, fragment=""):
        self.browser.get("about:blank")
        self.browser.get(f"{self.file.as_uri()}#{fragment}")

    def all(self, selector):
        """Return the visible elements that match a CSS selector."""
        return [element for element in self.browser.find_elements(By.CSS_SELECTOR, selector) if element.is_displayed()]

    def one(self, selector):
        (element,) = self.all(selector)
        return element

    def texts(self, selector):
        """Return the visible text of every element that matches a CSS selector, read in one call."""
        script = (
            "return [...document.querySelectorAll(arguments[0])].filter(e => e.checkVisibility()).map(e => e.innerText)"
        )
        return list(self.browser.execute_script(script, selector))

    def words(self):
        """Return the words of the table of answers."""
        return self.texts(".card tbody bdi")

    def field(self, label):
        return next(element for element in self.all(".field") if element.text.startswith(label)).find_element(
            By.TAG_NAME, "input"
        )

    def enter(self, label, *keys):
        """Click the field with the given label, as people do, and press keys."""
        self.field(label).click()
        self.browser.switch_to.active_element.send_keys(*keys)

    def wait(self, condition):
        # The page may replace an element between the calls that find and query it.
        WebDriverWait(self.browser, 120, ignored_exceptions=[Stale]).until(lambda _: condition())


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    file = tmp_path_factory.mktemp("pages") / "one.html"
    explore(made_model(), file, map_words=60)
    return file


@pytest.fixture
def one(browser, file):
    """Yield the page. After the test, the console must be empty, and only the page itself may have been requested."""
    page = Page(browser, file)
    for log in ("browser", "performance"):
        page.browser.get_log(log)
    yield page
    assert page.browser.get_log("browser") == []
    messages = [json.loads(entry["message"])["message"] for entry in page.browser.get_log("performance")]
    urls = {m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"}
    assert {url.partition("#")[0] for url in urls if not url.startswith("data:")} <= {page.file.as_uri()}


def test_search_and_a_click_on_a_neighbour(one):
    one.open()
    one.enter("Word", "QUE")
    completions = "return [...document.querySelectorAll('datalist option')].map(e => e.value)"
    assert one.browser.execute_script(completions) == ["queen"]
    one.field("Word").send_keys(Keys.ENTER)
    one.wait(lambda: one.texts("h2") == ["queen"])
    assert "rank 6 of 224 · 657 times" in one.texts("p.quiet")
    assert one.words()[0] == "king"
    one.all("tbody a")[0].click()
    one.wait(lambda: one.texts("h2") == ["king"])
    assert one.words()[0] == "queen"
    assert one.browser.switch_to.active_element.text == "king"  # keyboard focus is on the heading
    one.browser.back()
    one.wait(lambda: one.texts("h2") == ["queen"])


def test_neighbours_are_exact_on_the_stored_vectors(one):
    model = made_model()
    stored = CompactRows.of(model.unit, "int8").numbers.astype(float)
    stored /= np.linalg.norm(stored, axis=1, keepdims=True)
    cosines = stored @ stored[model.row("filler3")]
    assert model.counts is not None
    scores = cosines / np.sqrt(1 + model.doubt_of([model.row("filler3")]) / np.maximum(model.counts, 1))
    scores[model.row("filler3")] = -1
    expected = np.argsort(-scores, kind="stable")[:30]
    one.open("word=filler3")
    assert one.words()[:20] == [model.words[row] for row in expected[:20]]
    shown = [float(text.replace("−", "-")) for text in one.texts("tbody td:nth-child(2)")]
    np.testing.assert_allclose(shown, cosines[expected], atol=6e-4)


@pytest.mark.parametrize("word", HOSTILE)
def test_hostile_words_are_text(one, word):
    row = made_model().row(word)
    one.open("view=neighbours")
    shown = word if len(word) <= 80 else word[:79] + "…"
    one.browser.execute_script("location.hash = '#' + new URLSearchParams({word: arguments[0]})", shown)
    one.wait(lambda: any(f"rank {row + 1} of" in text for text in one.texts("p.quiet")))
    assert len(one.words()) == 30
    assert one.browser.title == "model · word vectors"
    assert not one.browser.find_elements(By.CSS_SELECTOR, "img, main script")


def test_analogy(one):
    one.open("view=analogy")
    assert one.texts("h2") == ["man is to king as woman is to"]
    assert one.words()[0] == "queen"
    one.enter("C", "she", Keys.ENTER)
    one.wait(lambda: one.texts("h2") == ["man is to king as she is to"])
    assert "c=she" in one.browser.current_url


def test_map_zooms_and_shows_all_again(one):
    one.open("view=map&word=king")
    canvas = one.one("canvas")
    pixels = "return arguments[0].toDataURL()"
    whole = one.browser.execute_script(pixels, canvas)
    canvas.send_keys("+++++++")
    one.wait(lambda: one.browser.execute_script(pixels, canvas) != whole)
    canvas.send_keys("0")
    one.wait(lambda: one.browser.execute_script(pixels, canvas) == whole)
    coloured = (
        "const c = arguments[0]; return new Set(c.getContext('2d').getImageData(0, 0, c.width, c.height).data).size"
    )
    assert one.browser.execute_script(coloured, canvas) > 10
    assert one.texts(".chosen") == ["king rank 5 of 224 · 660 times"]
    assert "principal components" in one.texts("p.quiet")[0]


def test_click_on_the_map_chooses_the_word_there(one):
    one.open("view=map&word=king")
    canvas = one.one("canvas")
    # Find a point on the canvas where the pointer is over a word.
    find = """
        const box = arguments[0].getBoundingClientRect();
        for (let y = 30; y < box.height; y += 7) for (let x = 30; x < box.width - 30; x += 7) {
          const move = {bubbles: true, clientX: box.left + x, clientY: box.top + y, pointerId: 1};
          arguments[0].dispatchEvent(new PointerEvent('pointermove', move));
          if (arguments[0].title && !arguments[0].title.startsWith('king')) return [x, y, arguments[0].title];
        }"""
    x, y, title = one.browser.execute_script(find, canvas)
    actions, size = ActionChains(one.browser), canvas.size
    actions.move_to_element_with_offset(canvas, x - size["width"] // 2, y - size["height"] // 2).click().perform()
    one.wait(lambda: one.texts(".chosen")[0].split(" rank")[0] == title.split(": rank")[0])


@pytest.mark.parametrize(("width", "maps"), [(390, 0), (1280, 1)])
def test_no_view_is_wider_than_the_screen_and_the_map_stands_beside_neighbours_where_there_is_room(one, width, maps):
    with screen(one.browser, width):
        for view in ("map", "analogy", "neighbours"):
            one.open(f"view={view}&word={'x' * 300}")
            assert fits(one.browser), view
        assert len(one.all("canvas")) == maps
