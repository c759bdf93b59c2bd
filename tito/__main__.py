"""python -m tito"""

import sys

from tito.main import main

if __name__ == "__main__":
    sys.exit(main())
