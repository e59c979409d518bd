"""The shape head: from one object's cut-out to its solid and the colours of its back.

python -m training.solids LIBRARY SOLIDS
python -m training.shape.views LIBRARY SOLIDS VIEWS
python -m training.shape.tokens VIEWS
python -m training.shape.train VIEWS OUT
python -m training.shape.measure LIBRARY SOLIDS VIEWS
"""
