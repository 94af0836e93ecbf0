# Numbers in network order, and those few that come in the opposite one (`little`). Loads and stores go byte by byte, so the
# address may have any alignment on any processor; the compiler makes one access of them.

cdef extern from *:
    """
    #include <stdint.h>

    static inline uint16_t load16(const unsigned char *p) {
        return (uint16_t)((uint16_t)p[0] << 8 | p[1]);
    }
    static inline uint32_t load32(const unsigned char *p) {
        return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
    }
    static inline uint64_t load64(const unsigned char *p) {
        return (uint64_t)load32(p) << 32 | load32(p + 4);
    }
    static inline void store16(unsigned char *p, uint16_t v) {
        p[0] = (unsigned char)(v >> 8); p[1] = (unsigned char)v;
    }
    static inline void store32(unsigned char *p, uint32_t v) {
        p[0] = (unsigned char)(v >> 24); p[1] = (unsigned char)(v >> 16);
        p[2] = (unsigned char)(v >> 8); p[3] = (unsigned char)v;
    }
    static inline void store64(unsigned char *p, uint64_t v) {
        store32(p, (uint32_t)(v >> 32)); store32(p + 4, (uint32_t)v);
    }
    static inline uint64_t load64_little(const unsigned char *p) {
        return (uint64_t)p[7] << 56 | (uint64_t)p[6] << 48 | (uint64_t)p[5] << 40 | (uint64_t)p[4] << 32
            | (uint64_t)p[3] << 24 | (uint64_t)p[2] << 16 | (uint64_t)p[1] << 8 | p[0];
    }
    static inline void store16_little(unsigned char *p, uint16_t v) {
        p[0] = (unsigned char)v; p[1] = (unsigned char)(v >> 8);
    }
    static inline void store64_little(unsigned char *p, uint64_t v) {
        for (int i = 0; i < 8; i++) p[i] = (unsigned char)(v >> (8 * i));
    }
    static inline double as_double(uint64_t bits) {
        double d; memcpy(&d, &bits, 8); return d;
    }
    static inline float as_float(uint32_t bits) {
        float f; memcpy(&f, &bits, 4); return f;
    }
    static inline uint64_t double_bits(double d) {
        uint64_t bits; memcpy(&bits, &d, 8); return bits;
    }
    """
    uint16_t load16(const unsigned char* p) noexcept nogil
    uint32_t load32(const unsigned char* p) noexcept nogil
    uint64_t load64(const unsigned char* p) noexcept nogil
    void store16(unsigned char* p, uint16_t v) noexcept nogil
    void store32(unsigned char* p, uint32_t v) noexcept nogil
    void store64(unsigned char* p, uint64_t v) noexcept nogil
    uint64_t load64_little(const unsigned char* p) noexcept nogil
    void store16_little(unsigned char* p, uint16_t v) noexcept nogil
    void store64_little(unsigned char* p, uint64_t v) noexcept nogil
    double as_double(uint64_t bits) noexcept nogil
    float as_float(uint32_t bits) noexcept nogil
    uint64_t double_bits(double d) noexcept nogil
