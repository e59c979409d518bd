"""The shape head: from one object's cut-out to its solid and the colours of its back.

python -m training.solids LIBRARY SOLIDS
python -m training.shape.views LIBRARY SOLIDS VIEWS --views 16 --built 4000
python -m training.shape.pack VIEWS PACKED
python -m training.shape.train OUT PACKED --size larger --steps 12000
python -m training.shape.measure LIBRARY SOLIDS VIEWS PACKED --weights OUT/shape.safetensors
"""
