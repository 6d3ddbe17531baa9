"""What people can be asked: demonstrations, comparisons, rankings, ratings and reviews; one file each."""
