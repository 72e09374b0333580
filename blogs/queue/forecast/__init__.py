"""When a blog will start and end: its place in the fair order, and honest ranges of time.

places         where a blog stands among all that wait
learned        what blogs have taken lately: seconds by stage, tokens
arrivals       what shops have been asking for, and since when they have asked at this pace
outlook        what holds for all blogs at this moment: seats, limits, providers, pauses; remembered for a second
course         at which moment the first, second, ... of those in line starts and ends, by seats and limits
own_limits     what keeps a site's own line back: its share of the seats, its limit at Wix
calibration    how far forecasts were off lately, and how wide ranges become by it
ranges         the range that a shop is told
promises       what shops were told, and whether it came true
"""

from blogs.queue.forecast.places import queue_position, queue_positions
from blogs.queue.forecast.ranges import Estimate, Range, estimates, seconds_for

__all__ = ["Estimate", "Range", "estimates", "queue_position", "queue_positions", "seconds_for"]
