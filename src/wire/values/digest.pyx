# RIPEMD-160 of a key, and the partition it falls into (keys-and-digests.md). The five rounds of both
# lines are unrolled and interleaved: a processor works on the two chains side by side.
#
# Not here: which bytes of a key are hashed (`key.pyx`).

cdef extern from *:
    """
    #define RMD_ROL(v, s) (((v) << (s)) | ((v) >> (32 - (s))))
    #define F1(x, y, z) ((x) ^ (y) ^ (z))
    #define F2(x, y, z) ((((y) ^ (z)) & (x)) ^ (z))
    #define F3(x, y, z) (((x) | ~(y)) ^ (z))
    #define F4(x, y, z) ((((x) ^ (y)) & (z)) ^ (y))
    #define F5(x, y, z) ((x) ^ ((y) | ~(z)))
    #define RMD_STEP(f, a, b, c, d, e, w, k, s) \\
        do { a += f(b, c, d) + (w) + k; a = RMD_ROL(a, s) + e; c = RMD_ROL(c, 10); } while (0)

    static void rmd_block(uint32_t h[5], const unsigned char *p) {
        uint32_t x[16];
        for (int i = 0; i < 16; i++, p += 4)
            x[i] = (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
        uint32_t a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];
        uint32_t aa = a, bb = b, cc = c, dd = d, ee = e;
        /* round 1 */
        RMD_STEP(F1, a, b, c, d, e, x[0], 0x00000000u, 11); RMD_STEP(F5, aa, bb, cc, dd, ee, x[5], 0x50a28be6u, 8);
        RMD_STEP(F1, e, a, b, c, d, x[1], 0x00000000u, 14); RMD_STEP(F5, ee, aa, bb, cc, dd, x[14], 0x50a28be6u, 9);
        RMD_STEP(F1, d, e, a, b, c, x[2], 0x00000000u, 15); RMD_STEP(F5, dd, ee, aa, bb, cc, x[7], 0x50a28be6u, 9);
        RMD_STEP(F1, c, d, e, a, b, x[3], 0x00000000u, 12); RMD_STEP(F5, cc, dd, ee, aa, bb, x[0], 0x50a28be6u, 11);
        RMD_STEP(F1, b, c, d, e, a, x[4], 0x00000000u, 5); RMD_STEP(F5, bb, cc, dd, ee, aa, x[9], 0x50a28be6u, 13);
        RMD_STEP(F1, a, b, c, d, e, x[5], 0x00000000u, 8); RMD_STEP(F5, aa, bb, cc, dd, ee, x[2], 0x50a28be6u, 15);
        RMD_STEP(F1, e, a, b, c, d, x[6], 0x00000000u, 7); RMD_STEP(F5, ee, aa, bb, cc, dd, x[11], 0x50a28be6u, 15);
        RMD_STEP(F1, d, e, a, b, c, x[7], 0x00000000u, 9); RMD_STEP(F5, dd, ee, aa, bb, cc, x[4], 0x50a28be6u, 5);
        RMD_STEP(F1, c, d, e, a, b, x[8], 0x00000000u, 11); RMD_STEP(F5, cc, dd, ee, aa, bb, x[13], 0x50a28be6u, 7);
        RMD_STEP(F1, b, c, d, e, a, x[9], 0x00000000u, 13); RMD_STEP(F5, bb, cc, dd, ee, aa, x[6], 0x50a28be6u, 7);
        RMD_STEP(F1, a, b, c, d, e, x[10], 0x00000000u, 14); RMD_STEP(F5, aa, bb, cc, dd, ee, x[15], 0x50a28be6u, 8);
        RMD_STEP(F1, e, a, b, c, d, x[11], 0x00000000u, 15); RMD_STEP(F5, ee, aa, bb, cc, dd, x[8], 0x50a28be6u, 11);
        RMD_STEP(F1, d, e, a, b, c, x[12], 0x00000000u, 6); RMD_STEP(F5, dd, ee, aa, bb, cc, x[1], 0x50a28be6u, 14);
        RMD_STEP(F1, c, d, e, a, b, x[13], 0x00000000u, 7); RMD_STEP(F5, cc, dd, ee, aa, bb, x[10], 0x50a28be6u, 14);
        RMD_STEP(F1, b, c, d, e, a, x[14], 0x00000000u, 9); RMD_STEP(F5, bb, cc, dd, ee, aa, x[3], 0x50a28be6u, 12);
        RMD_STEP(F1, a, b, c, d, e, x[15], 0x00000000u, 8); RMD_STEP(F5, aa, bb, cc, dd, ee, x[12], 0x50a28be6u, 6);
        /* round 2 */
        RMD_STEP(F2, e, a, b, c, d, x[7], 0x5a827999u, 7); RMD_STEP(F4, ee, aa, bb, cc, dd, x[6], 0x5c4dd124u, 9);
        RMD_STEP(F2, d, e, a, b, c, x[4], 0x5a827999u, 6); RMD_STEP(F4, dd, ee, aa, bb, cc, x[11], 0x5c4dd124u, 13);
        RMD_STEP(F2, c, d, e, a, b, x[13], 0x5a827999u, 8); RMD_STEP(F4, cc, dd, ee, aa, bb, x[3], 0x5c4dd124u, 15);
        RMD_STEP(F2, b, c, d, e, a, x[1], 0x5a827999u, 13); RMD_STEP(F4, bb, cc, dd, ee, aa, x[7], 0x5c4dd124u, 7);
        RMD_STEP(F2, a, b, c, d, e, x[10], 0x5a827999u, 11); RMD_STEP(F4, aa, bb, cc, dd, ee, x[0], 0x5c4dd124u, 12);
        RMD_STEP(F2, e, a, b, c, d, x[6], 0x5a827999u, 9); RMD_STEP(F4, ee, aa, bb, cc, dd, x[13], 0x5c4dd124u, 8);
        RMD_STEP(F2, d, e, a, b, c, x[15], 0x5a827999u, 7); RMD_STEP(F4, dd, ee, aa, bb, cc, x[5], 0x5c4dd124u, 9);
        RMD_STEP(F2, c, d, e, a, b, x[3], 0x5a827999u, 15); RMD_STEP(F4, cc, dd, ee, aa, bb, x[10], 0x5c4dd124u, 11);
        RMD_STEP(F2, b, c, d, e, a, x[12], 0x5a827999u, 7); RMD_STEP(F4, bb, cc, dd, ee, aa, x[14], 0x5c4dd124u, 7);
        RMD_STEP(F2, a, b, c, d, e, x[0], 0x5a827999u, 12); RMD_STEP(F4, aa, bb, cc, dd, ee, x[15], 0x5c4dd124u, 7);
        RMD_STEP(F2, e, a, b, c, d, x[9], 0x5a827999u, 15); RMD_STEP(F4, ee, aa, bb, cc, dd, x[8], 0x5c4dd124u, 12);
        RMD_STEP(F2, d, e, a, b, c, x[5], 0x5a827999u, 9); RMD_STEP(F4, dd, ee, aa, bb, cc, x[12], 0x5c4dd124u, 7);
        RMD_STEP(F2, c, d, e, a, b, x[2], 0x5a827999u, 11); RMD_STEP(F4, cc, dd, ee, aa, bb, x[4], 0x5c4dd124u, 6);
        RMD_STEP(F2, b, c, d, e, a, x[14], 0x5a827999u, 7); RMD_STEP(F4, bb, cc, dd, ee, aa, x[9], 0x5c4dd124u, 15);
        RMD_STEP(F2, a, b, c, d, e, x[11], 0x5a827999u, 13); RMD_STEP(F4, aa, bb, cc, dd, ee, x[1], 0x5c4dd124u, 13);
        RMD_STEP(F2, e, a, b, c, d, x[8], 0x5a827999u, 12); RMD_STEP(F4, ee, aa, bb, cc, dd, x[2], 0x5c4dd124u, 11);
        /* round 3 */
        RMD_STEP(F3, d, e, a, b, c, x[3], 0x6ed9eba1u, 11); RMD_STEP(F3, dd, ee, aa, bb, cc, x[15], 0x6d703ef3u, 9);
        RMD_STEP(F3, c, d, e, a, b, x[10], 0x6ed9eba1u, 13); RMD_STEP(F3, cc, dd, ee, aa, bb, x[5], 0x6d703ef3u, 7);
        RMD_STEP(F3, b, c, d, e, a, x[14], 0x6ed9eba1u, 6); RMD_STEP(F3, bb, cc, dd, ee, aa, x[1], 0x6d703ef3u, 15);
        RMD_STEP(F3, a, b, c, d, e, x[4], 0x6ed9eba1u, 7); RMD_STEP(F3, aa, bb, cc, dd, ee, x[3], 0x6d703ef3u, 11);
        RMD_STEP(F3, e, a, b, c, d, x[9], 0x6ed9eba1u, 14); RMD_STEP(F3, ee, aa, bb, cc, dd, x[7], 0x6d703ef3u, 8);
        RMD_STEP(F3, d, e, a, b, c, x[15], 0x6ed9eba1u, 9); RMD_STEP(F3, dd, ee, aa, bb, cc, x[14], 0x6d703ef3u, 6);
        RMD_STEP(F3, c, d, e, a, b, x[8], 0x6ed9eba1u, 13); RMD_STEP(F3, cc, dd, ee, aa, bb, x[6], 0x6d703ef3u, 6);
        RMD_STEP(F3, b, c, d, e, a, x[1], 0x6ed9eba1u, 15); RMD_STEP(F3, bb, cc, dd, ee, aa, x[9], 0x6d703ef3u, 14);
        RMD_STEP(F3, a, b, c, d, e, x[2], 0x6ed9eba1u, 14); RMD_STEP(F3, aa, bb, cc, dd, ee, x[11], 0x6d703ef3u, 12);
        RMD_STEP(F3, e, a, b, c, d, x[7], 0x6ed9eba1u, 8); RMD_STEP(F3, ee, aa, bb, cc, dd, x[8], 0x6d703ef3u, 13);
        RMD_STEP(F3, d, e, a, b, c, x[0], 0x6ed9eba1u, 13); RMD_STEP(F3, dd, ee, aa, bb, cc, x[12], 0x6d703ef3u, 5);
        RMD_STEP(F3, c, d, e, a, b, x[6], 0x6ed9eba1u, 6); RMD_STEP(F3, cc, dd, ee, aa, bb, x[2], 0x6d703ef3u, 14);
        RMD_STEP(F3, b, c, d, e, a, x[13], 0x6ed9eba1u, 5); RMD_STEP(F3, bb, cc, dd, ee, aa, x[10], 0x6d703ef3u, 13);
        RMD_STEP(F3, a, b, c, d, e, x[11], 0x6ed9eba1u, 12); RMD_STEP(F3, aa, bb, cc, dd, ee, x[0], 0x6d703ef3u, 13);
        RMD_STEP(F3, e, a, b, c, d, x[5], 0x6ed9eba1u, 7); RMD_STEP(F3, ee, aa, bb, cc, dd, x[4], 0x6d703ef3u, 7);
        RMD_STEP(F3, d, e, a, b, c, x[12], 0x6ed9eba1u, 5); RMD_STEP(F3, dd, ee, aa, bb, cc, x[13], 0x6d703ef3u, 5);
        /* round 4 */
        RMD_STEP(F4, c, d, e, a, b, x[1], 0x8f1bbcdcu, 11); RMD_STEP(F2, cc, dd, ee, aa, bb, x[8], 0x7a6d76e9u, 15);
        RMD_STEP(F4, b, c, d, e, a, x[9], 0x8f1bbcdcu, 12); RMD_STEP(F2, bb, cc, dd, ee, aa, x[6], 0x7a6d76e9u, 5);
        RMD_STEP(F4, a, b, c, d, e, x[11], 0x8f1bbcdcu, 14); RMD_STEP(F2, aa, bb, cc, dd, ee, x[4], 0x7a6d76e9u, 8);
        RMD_STEP(F4, e, a, b, c, d, x[10], 0x8f1bbcdcu, 15); RMD_STEP(F2, ee, aa, bb, cc, dd, x[1], 0x7a6d76e9u, 11);
        RMD_STEP(F4, d, e, a, b, c, x[0], 0x8f1bbcdcu, 14); RMD_STEP(F2, dd, ee, aa, bb, cc, x[3], 0x7a6d76e9u, 14);
        RMD_STEP(F4, c, d, e, a, b, x[8], 0x8f1bbcdcu, 15); RMD_STEP(F2, cc, dd, ee, aa, bb, x[11], 0x7a6d76e9u, 14);
        RMD_STEP(F4, b, c, d, e, a, x[12], 0x8f1bbcdcu, 9); RMD_STEP(F2, bb, cc, dd, ee, aa, x[15], 0x7a6d76e9u, 6);
        RMD_STEP(F4, a, b, c, d, e, x[4], 0x8f1bbcdcu, 8); RMD_STEP(F2, aa, bb, cc, dd, ee, x[0], 0x7a6d76e9u, 14);
        RMD_STEP(F4, e, a, b, c, d, x[13], 0x8f1bbcdcu, 9); RMD_STEP(F2, ee, aa, bb, cc, dd, x[5], 0x7a6d76e9u, 6);
        RMD_STEP(F4, d, e, a, b, c, x[3], 0x8f1bbcdcu, 14); RMD_STEP(F2, dd, ee, aa, bb, cc, x[12], 0x7a6d76e9u, 9);
        RMD_STEP(F4, c, d, e, a, b, x[7], 0x8f1bbcdcu, 5); RMD_STEP(F2, cc, dd, ee, aa, bb, x[2], 0x7a6d76e9u, 12);
        RMD_STEP(F4, b, c, d, e, a, x[15], 0x8f1bbcdcu, 6); RMD_STEP(F2, bb, cc, dd, ee, aa, x[13], 0x7a6d76e9u, 9);
        RMD_STEP(F4, a, b, c, d, e, x[14], 0x8f1bbcdcu, 8); RMD_STEP(F2, aa, bb, cc, dd, ee, x[9], 0x7a6d76e9u, 12);
        RMD_STEP(F4, e, a, b, c, d, x[5], 0x8f1bbcdcu, 6); RMD_STEP(F2, ee, aa, bb, cc, dd, x[7], 0x7a6d76e9u, 5);
        RMD_STEP(F4, d, e, a, b, c, x[6], 0x8f1bbcdcu, 5); RMD_STEP(F2, dd, ee, aa, bb, cc, x[10], 0x7a6d76e9u, 15);
        RMD_STEP(F4, c, d, e, a, b, x[2], 0x8f1bbcdcu, 12); RMD_STEP(F2, cc, dd, ee, aa, bb, x[14], 0x7a6d76e9u, 8);
        /* round 5 */
        RMD_STEP(F5, b, c, d, e, a, x[4], 0xa953fd4eu, 9); RMD_STEP(F1, bb, cc, dd, ee, aa, x[12], 0x00000000u, 8);
        RMD_STEP(F5, a, b, c, d, e, x[0], 0xa953fd4eu, 15); RMD_STEP(F1, aa, bb, cc, dd, ee, x[15], 0x00000000u, 5);
        RMD_STEP(F5, e, a, b, c, d, x[5], 0xa953fd4eu, 5); RMD_STEP(F1, ee, aa, bb, cc, dd, x[10], 0x00000000u, 12);
        RMD_STEP(F5, d, e, a, b, c, x[9], 0xa953fd4eu, 11); RMD_STEP(F1, dd, ee, aa, bb, cc, x[4], 0x00000000u, 9);
        RMD_STEP(F5, c, d, e, a, b, x[7], 0xa953fd4eu, 6); RMD_STEP(F1, cc, dd, ee, aa, bb, x[1], 0x00000000u, 12);
        RMD_STEP(F5, b, c, d, e, a, x[12], 0xa953fd4eu, 8); RMD_STEP(F1, bb, cc, dd, ee, aa, x[5], 0x00000000u, 5);
        RMD_STEP(F5, a, b, c, d, e, x[2], 0xa953fd4eu, 13); RMD_STEP(F1, aa, bb, cc, dd, ee, x[8], 0x00000000u, 14);
        RMD_STEP(F5, e, a, b, c, d, x[10], 0xa953fd4eu, 12); RMD_STEP(F1, ee, aa, bb, cc, dd, x[7], 0x00000000u, 6);
        RMD_STEP(F5, d, e, a, b, c, x[14], 0xa953fd4eu, 5); RMD_STEP(F1, dd, ee, aa, bb, cc, x[6], 0x00000000u, 8);
        RMD_STEP(F5, c, d, e, a, b, x[1], 0xa953fd4eu, 12); RMD_STEP(F1, cc, dd, ee, aa, bb, x[2], 0x00000000u, 13);
        RMD_STEP(F5, b, c, d, e, a, x[3], 0xa953fd4eu, 13); RMD_STEP(F1, bb, cc, dd, ee, aa, x[13], 0x00000000u, 6);
        RMD_STEP(F5, a, b, c, d, e, x[8], 0xa953fd4eu, 14); RMD_STEP(F1, aa, bb, cc, dd, ee, x[14], 0x00000000u, 5);
        RMD_STEP(F5, e, a, b, c, d, x[11], 0xa953fd4eu, 11); RMD_STEP(F1, ee, aa, bb, cc, dd, x[0], 0x00000000u, 15);
        RMD_STEP(F5, d, e, a, b, c, x[6], 0xa953fd4eu, 8); RMD_STEP(F1, dd, ee, aa, bb, cc, x[3], 0x00000000u, 13);
        RMD_STEP(F5, c, d, e, a, b, x[15], 0xa953fd4eu, 5); RMD_STEP(F1, cc, dd, ee, aa, bb, x[9], 0x00000000u, 11);
        RMD_STEP(F5, b, c, d, e, a, x[13], 0xa953fd4eu, 6); RMD_STEP(F1, bb, cc, dd, ee, aa, x[11], 0x00000000u, 11);
        uint32_t t = h[1] + c + dd;
        h[1] = h[2] + d + ee;
        h[2] = h[3] + e + aa;
        h[3] = h[4] + a + bb;
        h[4] = h[0] + b + cc;
        h[0] = t;
    }

    /* The digest of three pieces, as if they were one. */
    static void rmd_pieces(const unsigned char *pieces[3], const size_t sizes[3], unsigned char out[20]) {
        uint32_t h[5] = {0x67452301u, 0xefcdab89u, 0x98badcfeu, 0x10325476u, 0xc3d2e1f0u};
        unsigned char block[64];
        size_t have = 0, total = 0;
        for (int i = 0; i < 3; i++) {
            const unsigned char *p = pieces[i];
            size_t left = sizes[i];
            total += left;
            while (left) {
                if (have == 0 && left >= 64) {
                    rmd_block(h, p);
                    p += 64; left -= 64;
                    continue;
                }
                size_t n = 64 - have < left ? 64 - have : left;
                memcpy(block + have, p, n);
                p += n; left -= n; have += n;
                if (have == 64) { rmd_block(h, block); have = 0; }
            }
        }
        block[have++] = 0x80;
        if (have > 56) {
            memset(block + have, 0, 64 - have);
            rmd_block(h, block);
            have = 0;
        }
        memset(block + have, 0, 56 - have);
        uint64_t bits = (uint64_t)total << 3;
        for (int i = 0; i < 8; i++) block[56 + i] = (unsigned char)(bits >> (8 * i));
        rmd_block(h, block);
        for (int i = 0; i < 20; i++) out[i] = (unsigned char)(h[i >> 2] >> (8 * (i & 3)));
    }
    """
    void rmd_pieces(const unsigned char** pieces, const size_t* sizes, unsigned char* out) noexcept nogil


cdef inline int partition_of(const unsigned char* digest) noexcept nogil:
    return digest[0] | (digest[1] & 0x0F) << 8
