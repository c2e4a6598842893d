from wit_world.exports import values

class Thing(values.Thing):
    def __init__(self, name):
        self.n = name
    def name(self):
        return self.n
    @classmethod
    def join(cls, a, b):
        return Thing(a.n + "+" + b.n)
