# Numbers in network order. Loads and stores go byte by byte, so the address may have any alignment on any processor; the
# compiler makes one access with swapped bytes of them.

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
    double as_double(uint64_t bits) noexcept nogil
    float as_float(uint32_t bits) noexcept nogil
    uint64_t double_bits(double d) noexcept nogil
