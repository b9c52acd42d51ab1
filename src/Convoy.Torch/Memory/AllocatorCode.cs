using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Convoy.Torch.Interop;

namespace Convoy.Torch.Memory;

/// <summary>
/// A <c>c10::Allocator</c> made by hand: a table of virtual functions like that of libtorch's own allocator, but for the functions that take and free memory. Those are a few
/// instructions of x64: they must be able to fail by libtorch's exception, which must not pass through managed code, and to free tensors while the process ends.
/// </summary>
internal sealed unsafe class AllocatorCode
{
    // Of c10::Allocator, from where an object's first word points: two destructors, allocate, is_simple_data_ptr, raw_deleter, copy_data. What describes the type stands before.
    private const int DescriptionWords = 2, FunctionWords = 6, Allocate = 2, RawDeleter = 4;

    // c10::DataPtr: the data, the function that frees, what it is given, and the device: a type and an index of a byte each.
    private const int DataPtrWords = 4, Data = 0, Deleter = 1, Context = 2, Device = 3;
    private const int PageBytes = 4096, ReadAndWrite = 3, ReadAndExecute = 5, PrivateAnonymous = 0x22;
    private const nint Failed = -1;

    private readonly delegate* unmanaged[Cdecl]<nint> _get;
    private readonly delegate* unmanaged[Cdecl]<nint, byte, void> _set;

    private AllocatorCode(nint allocator, nint replaced, delegate* unmanaged[Cdecl]<nint> get, delegate* unmanaged[Cdecl]<nint, byte, void> set)
    {
        (Allocator, Replaced) = (allocator, replaced);
        _get = get;
        _set = set;
    }

    /// <summary>The allocator.</summary>
    public nint Allocator { get; }

    /// <summary>The one that libtorch had before, which it falls back to for empty tensors and when there is no memory.</summary>
    public nint Replaced { get; }

    /// <summary>Makes it, or says why it cannot be made.</summary>
    /// <exception cref="EntryPointNotFoundException">A function is missing.</exception>
    public static (AllocatorCode? Code, string? Fault) Create()
    {
        var core = new LibraryExports("c10");
        nint program = NativeLibrary.GetMainProgramHandle();
        var get = (delegate* unmanaged[Cdecl]<nint>)core["_ZN3c1015GetCPUAllocatorEv"];
        var set = (delegate* unmanaged[Cdecl]<nint, byte, void>)core["_ZN3c1015SetCPUAllocatorEPNS_9AllocatorEh"];

        // The ones that the whole process uses, also where another library stands before the C library.
        nint malloc = NativeLibrary.GetExport(program, "malloc"), free = NativeLibrary.GetExport(program, "free");
        nint replaced = get();
        nint* functions = *(nint**)replaced;
        ushort? device = DeviceOf(replaced, functions);
        if (device is null)
        {
            return (null, "this libtorch's allocator is laid out otherwise than expected");
        }

        nint code = mmap(0, PageBytes, ReadAndWrite, PrivateAnonymous, -1, 0);
        if (code == Failed)
        {
            return (null, "there is no memory for its code");
        }

        var page = new Span<byte>((void*)code, PageBytes);
        int next = Append(page, 0, Release(free), out nint deleter, code);
        next = Append(page, next, Return(deleter), out nint rawDeleter, code);
        _ = Append(page, next, Take(malloc, deleter, device.Value, replaced, functions[Allocate]), out nint allocate, code);
        if (mprotect(code, PageBytes, ReadAndExecute) != 0)
        {
            _ = munmap(code, PageBytes);
            return (null, "this system does not let a program make code");
        }

        // For the life of the process, as tensors may be.
        nint* table = (nint*)NativeMemory.Alloc((DescriptionWords + FunctionWords + 1) * (nuint)sizeof(nint));
        new ReadOnlySpan<nint>(functions - DescriptionWords, DescriptionWords + FunctionWords).CopyTo(new Span<nint>(table, DescriptionWords + FunctionWords));
        table[DescriptionWords + Allocate] = allocate;
        table[DescriptionWords + RawDeleter] = rawDeleter;
        nint* allocator = table + DescriptionWords + FunctionWords;
        *allocator = (nint)(table + DescriptionWords);
        return (new AllocatorCode((nint)allocator, replaced, get, set), null);
    }

    /// <summary>The allocator that libtorch uses.</summary>
    public nint GetAllocator() => _get();

    /// <summary>Gives libtorch an allocator.</summary>
    public void SetAllocator(nint allocator) => _set(allocator, 0);

    // Has libtorch's own allocator take memory, looks whether what it gives back is laid out as expected, and frees it. The device as it stands there; null if not.
    private static ushort? DeviceOf(nint allocator, nint* functions)
    {
        nint* given = stackalloc nint[DataPtrWords];
        new Span<nint>(given, DataPtrWords).Clear();
        ((delegate* unmanaged[Cdecl]<nint*, nint, nuint, nint*>)functions[Allocate])(given, allocator, 64);
        nint deleter = ((delegate* unmanaged[Cdecl]<nint, nint>)functions[RawDeleter])(allocator);
        if (given[Data] == 0 || given[Data] != given[Context] || given[Deleter] == 0 || given[Deleter] != deleter)
        {
            return null;
        }

        ((delegate* unmanaged[Cdecl]<nint, void>)deleter)(given[Context]);
        return (ushort)given[Device];
    }

    // DataPtr allocate(size_t): rdi says where the result goes, rsi is the allocator, rdx the number of bytes.
    private static byte[] Take(nint malloc, nint deleter, ushort device, nint replaced, nint otherwise)
    {
        byte[] beforeCall =
        [
            0x57, 0x56, 0x52, // push rdi, rsi, rdx
            0x48, 0x8D, 0x7A, 0x47, // lea rdi, [rdx + 71]: up to 63 bytes to the next cache line, and 8 before it
            0x48, 0xB8, .. Word(malloc), // mov rax, malloc
            0xFF, 0xD0, // call rax
            0x5A, 0x5E, 0x5F, // pop rdx, rsi, rdi
            0x48, 0x85, 0xC0, // test rax, rax
        ];
        byte[] afterCall =
        [
            0x48, 0x8D, 0x48, 0x47, // lea rcx, [rax + 71]
            0x48, 0x83, 0xE1, 0xC0, // and rcx, -64
            0x48, 0x89, 0x41, 0xF8, // mov [rcx - 8], rax: what is to be freed
            0x48, 0x89, 0x0F, // mov [rdi], rcx: the data
            0x48, 0xBA, .. Word(deleter), // mov rdx, deleter
            0x48, 0x89, 0x57, 0x08, // mov [rdi + 8], rdx
            0x48, 0x89, 0x4F, 0x10, // mov [rdi + 16], rcx: what the deleter is given
            0x66, 0xC7, 0x47, 0x18, (byte)device, (byte)(device >> 8), // mov word [rdi + 24], device
            0x48, 0x89, 0xF8, // mov rax, rdi
            0xC3, // ret
        ];
        const int JumpBytes = 2;
        return
        [
            0x48, 0x85, 0xD2, // test rdx, rdx
            0x7E, (byte)(beforeCall.Length + JumpBytes + afterCall.Length), // jle otherwise: no bytes, or more than there can be
            .. beforeCall,
            0x74, (byte)afterCall.Length, // jz otherwise: no memory
            .. afterCall,
            0x48, 0xBE, .. Word(replaced), // otherwise: mov rsi, replaced
            0x48, 0xB8, .. Word(otherwise), // mov rax, its function
            0xFF, 0xE0, // jmp rax
        ];
    }

    // void deleter(void*): rdi is the data, or null.
    private static byte[] Release(nint free)
    {
        byte[] given =
        [
            0x48, 0x8B, 0x7F, 0xF8, // mov rdi, [rdi - 8]
            0x48, 0xB8, .. Word(free), // mov rax, free
            0xFF, 0xE0, // jmp rax
        ];
        return
        [
            0x48, 0x85, 0xFF, // test rdi, rdi
            0x74, (byte)given.Length, // jz the end
            .. given,
            0xC3, // ret
        ];
    }

    // A function that returns a number.
    private static byte[] Return(nint value) => [0x48, 0xB8, .. Word(value), 0xC3];

    private static byte[] Word(nint value)
    {
        byte[] bytes = new byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, value);
        return bytes;
    }

    private static int Append(Span<byte> page, int at, byte[] code, out nint address, nint start)
    {
        const int Boundary = 16;
        code.CopyTo(page[at..]);
        address = start + at;
        return (at + code.Length + Boundary - 1) / Boundary * Boundary;
    }

    [DllImport("libc")]
    private static extern nint mmap(nint address, nuint length, int protection, int flags, int file, nint offset);

    [DllImport("libc")]
    private static extern int mprotect(nint address, nuint length, int protection);

    [DllImport("libc")]
    private static extern int munmap(nint address, nuint length);
}
