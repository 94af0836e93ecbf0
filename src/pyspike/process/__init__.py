"""What pyspike does because it lives in a process with others: forks, and what is known as long as it lives.

fork        what happens in the child of a fork, told in one place
living      a registry that a child may read whatever other threads were doing
"""
