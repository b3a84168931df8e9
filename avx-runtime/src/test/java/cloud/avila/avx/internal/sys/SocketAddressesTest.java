package cloud.avila.avx.internal.sys;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.Inet4Address;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;

class SocketAddressesTest {
    private final MemorySegment memory = Arena.ofAuto().allocate(64, 8).fill((byte) 0x5a);

    private static InetSocketAddress address(String ip, int port) {
        return new InetSocketAddress(InetAddress.ofLiteral(ip), port);
    }

    @Test
    void anIpv4AddressHasTheBytesOfTheHeader() {
        assertEquals(
                16, SocketAddresses.encode(memory, LinuxLibc.AF_INET, address("1.2.3.4", 0x1234)));
        assertArrayEquals(
                new byte[] {2, 0, 0x12, 0x34, 1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0},
                memory.asSlice(0, 16).toArray(JAVA_BYTE));
    }

    @Test
    void anIpv6AddressHasTheBytesOfTheHeader() {
        assertEquals(
                28, SocketAddresses.encode(memory, LinuxLibc.AF_INET6, address("102::f", 0xabcd)));
        assertArrayEquals(
                new byte[] {
                    10,
                    0,
                    (byte) 0xab,
                    (byte) 0xcd,
                    0,
                    0,
                    0,
                    0,
                    1,
                    2,
                    0,
                    0,
                    0,
                    0,
                    0,
                    0,
                    0,
                    0,
                    0,
                    0,
                    0,
                    0,
                    0,
                    15,
                    0,
                    0,
                    0,
                    0
                },
                memory.asSlice(0, 28).toArray(JAVA_BYTE));
    }

    @ParameterizedTest
    @ValueSource(strings = {"0.0.0.0", "127.0.0.1", "255.255.255.255"})
    void ipv4AddressesComeBackFromBothFamilies(String ip) {
        var address = address(ip, 65_535);
        SocketAddresses.encode(memory, LinuxLibc.AF_INET, address);
        assertEquals(address, SocketAddresses.decode(memory));
        SocketAddresses.encode(memory, LinuxLibc.AF_INET6, address);
        InetSocketAddress back = SocketAddresses.decode(memory);
        if (address.getAddress().isAnyLocalAddress()) {
            assertEquals(address("::", 65_535), back);
        } else {
            assertTrue(back.getAddress() instanceof Inet4Address);
            assertEquals(address, back);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"::", "::1", "2001:db8::1:2:3", "ff02::1"})
    void ipv6AddressesComeBack(String ip) {
        var address = address(ip, 1);
        SocketAddresses.encode(memory, LinuxLibc.AF_INET6, address);
        assertEquals(address, SocketAddresses.decode(memory));
    }

    @Test
    void aScopeIsKept() throws Exception {
        var ip = Inet6Address.getByAddress(null, InetAddress.ofLiteral("fe80::1").getAddress(), 7);
        SocketAddresses.encode(memory, LinuxLibc.AF_INET6, new InetSocketAddress(ip, 1));
        var back = (Inet6Address) SocketAddresses.decode(memory).getAddress();
        assertEquals(7, back.getScopeId());
    }

    @Test
    void anIpv6AddressDoesNotFitAnIpv4Socket() {
        assertThrows(
                IllegalArgumentException.class,
                () -> SocketAddresses.encode(memory, LinuxLibc.AF_INET, address("::1", 1)));
        assertThrows(
                IllegalArgumentException.class,
                () ->
                        SocketAddresses.encode(
                                memory,
                                LinuxLibc.AF_INET,
                                InetSocketAddress.createUnresolved("host", 1)));
    }

    @Test
    void equalBytesMatch() {
        int length = SocketAddresses.encode(memory, LinuxLibc.AF_INET, address("1.2.3.4", 5));
        byte[] known = memory.asSlice(0, length).toArray(JAVA_BYTE);
        assertTrue(SocketAddresses.matches(memory, length, known));
        known[3]++;
        assertFalse(SocketAddresses.matches(memory, length, known));
        assertFalse(SocketAddresses.matches(memory, length, new byte[28]));
    }
}
