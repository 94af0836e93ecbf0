"""Operations on the bits of blobs."""
