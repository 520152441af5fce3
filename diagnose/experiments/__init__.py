"""Two sides compared on purpose: any two windows, hosts or services, with the results of load tests beside them.

In: two selections of readings, files of load tests, limits to hold. `compare` uses the machinery that proves whether a
change helped, `loadtests` reads what the usual tools write, `knee` tells the capacity from steps of load, `gates` holds
limits, and `environment` says what else differed. Out: `record`, kept and described for pages and the API.
"""
