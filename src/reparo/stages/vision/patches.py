"""Pictures in whole patches, for networks that see them so."""

Size = tuple[int, int]  # height and width


def patch_grid(shape: Size, size: int, patch: int) -> Size:
    """Rows and columns of patches for a picture whose longer side is brought to about `size` px.

    Both sides become whole numbers of patches, so the shape may change by up to half a patch.
    """
    longer = max(shape)
    rows, columns = (max(1, round(side * size / longer / patch)) for side in shape)
    return rows, columns
